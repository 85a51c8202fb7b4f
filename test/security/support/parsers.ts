/** Every parser that reads what a stranger, a client or an operator wrote, with good inputs to begin from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryLoadConfig } from '../../../src/config/load.ts'
import { RedkiteError } from '../../../src/errors/error.ts'
import { StartError } from '../../../src/errors/start-error.ts'
import { testSchema } from '../../../src/filter/arbitrary.test-support.ts'
import { compileFilter, toIndexFilter } from '../../../src/filter/filter.ts'
import { readClientHello } from '../../../src/listener/client-hello.ts'
import { opening } from '../../../src/listener/peek.ts'
import { ops } from '../../../src/ops/registry.ts'
import { samples as opSamples } from '../../../src/ops/samples.test-support.ts'
import { loadNameReader } from '../../../src/pki/certificate-names.ts'
import { readCrl } from '../../../src/pki/crl-read.ts'
import { parseBody } from '../../../src/protocol/rest/json.ts'
import { checkMaterial } from '../../../src/tls/check.ts'
import { MaterialFault } from '../../../src/tls/fault.ts'
import { namesFault } from '../../../src/tls/identity/names.ts'
import { parsePolicy } from '../../../src/tls/identity/policy.ts'
import { parseRules } from '../../../src/tls/identity/rule.ts'
import { parseDenyList } from '../../../src/tls/revocation/deny-list.ts'
import { BundleError, openBundle } from '../../../src/tls/sources/pkcs12.ts'
import { unlock } from '../../../src/tls/sources/unlock.ts'
import type { Material } from './material.ts'
import { origins } from './mutation.ts'

export interface Parser {
  readonly samples: readonly (Buffer | Uint8Array | string)[]
  /** Share of all inputs. */
  readonly weight: number
  readonly parse: (input: Buffer) => unknown
  /** Whether this is how it refuses; anything else is a fault of ours. */
  readonly refuses: (error: Error) => boolean
}

const INDEXED = new Set(['pk', ...testSchema.fields.map(({ id }) => `f${id}`)])
const never = () => false
const redkite = (error: Error) => error instanceof RedkiteError
/** A plain `Error` with a text; a TypeError or a RangeError is nobody's answer. */
const plain = (error: Error) => error.constructor === Error
const text = (input: Buffer) => input.toString('utf8')

/** @param scratch a directory of the caller's */
export async function parsers(material: Material, scratch: string): Promise<Readonly<Record<string, Parser>>> {
  const readNames = await loadNameReader()
  return {
    ClientHello: {
      samples: material.hellos,
      weight: 15,
      parse: (input) => [opening(input), readClientHello(input)],
      refuses: never,
    },
    ...protobuf(),
    'JSON body': {
      samples: JSON_BODIES,
      weight: 10,
      parse: parseBody,
      refuses: redkite,
    },
    filter: {
      samples: FILTERS,
      weight: 14,
      parse: (input) => {
        const limits = { bytesMax: 1 << 20, depthMax: 256 }
        const expr = compileFilter(text(input), testSchema, {}, { ...limits, plan: 'query' })
        return expr && toIndexFilter(expr, INDEXED)
      },
      refuses: redkite,
    },
    'configuration YAML': {
      samples: CONFIGURATIONS,
      weight: 3,
      parse: (input) => {
        const file = join(scratch, 'config.yaml')
        writeFileSync(file, input)
        return tryLoadConfig({ configFile: file, environment: {}, cwd: scratch })
      },
      refuses: (error) => error instanceof StartError,
    },
    '--set': {
      samples: SETTINGS,
      weight: 3,
      parse: (input) => tryLoadConfig({ flags: { set: [text(input)] }, environment: {}, cwd: scratch }),
      refuses: (error) => error instanceof StartError,
    },
    ...files(material),
    'names of a certificate': {
      samples: material.ders,
      weight: 6,
      parse: (input) => namesFault(readNames(input)),
      refuses: () => true,
    },
    'identity rules': { samples: RULES, weight: 5, parse: (input) => parseRules([text(input)]), refuses: plain },
    'identity policy': { samples: POLICIES, weight: 2, parse: (input) => parsePolicy([text(input)]), refuses: plain },
    'deny list': {
      samples: material.denyLists,
      weight: 5,
      parse: (input) => parseDenyList(text(input)),
      refuses: never,
    },
  }
}

/** Requests of every RPC, and replies as another server might send them: each read by the op that it was made for. */
function protobuf(): Readonly<Record<string, Parser>> {
  const table = Object.values(ops).map((op) => {
    const { requests, replies } = opSamples[op.rpc]
    return {
      decode: op.decode,
      decodeReply: op.decodeReply,
      // an op is used with its own samples: the table pairs them by name
      requests: requests.map((one) => Buffer.from(op.encodeRequest(one as never))),
      replies: replies.map((one) => Buffer.from(op.encode(one as never))),
    }
  })
  const requests = table.flatMap(({ requests, decode }) => requests.map((bytes) => ({ bytes, decode })))
  const replies = table.flatMap(({ replies, decodeReply }) => replies.map((bytes) => ({ bytes, decodeReply })))
  // an input of the corpus has no origin: every op reads it
  const of = <T>(all: readonly T[], input: Buffer): readonly T[] => {
    const origin = origins.get(input)
    return origin === undefined ? all : all.slice(origin, origin + 1)
  }
  return {
    'request of every RPC': {
      samples: requests.map(({ bytes }) => bytes),
      weight: 18,
      parse: (input) => of(requests, input).map(({ decode }) => decode(input, { db: '' })),
      refuses: redkite,
    },
    'reply of an upstream': {
      samples: replies.map(({ bytes }) => bytes),
      weight: 8,
      parse: (input) => of(replies, input).map(({ decodeReply }) => decodeReply(input)),
      refuses: redkite,
    },
  }
}

/** Certificates, keys, bundles and lists, as the files of a reload. */
function files(material: Material): Readonly<Record<string, Parser>> {
  const file = (role: 'serverPem' | 'serverKey' | 'caPem', content: string) => ({
    role,
    key: `tls.${role}Path`,
    path: `/${role}`,
    text: content,
    mode: 0o600,
    uid: 0,
    gid: 0,
    modified: new Date(0),
  })
  const set = (changed: Partial<Record<'serverPem' | 'serverKey' | 'caPem', Buffer>>) => {
    const { pem, key, ca } = material
    const contents = { serverPem: pem, serverKey: key, caPem: ca }
    const roles = ['serverPem', 'serverKey', 'caPem'] as const
    const read = roles.map((role) => file(role, changed[role]?.toString('latin1') ?? contents[role]))
    return { kind: 'mutual' as const, files: read, passphrase: material.passphraseFile, hash: '', facts: [] }
  }
  const settings = { files: { kind: 'mutual', serverPem: '', serverKey: '', caPem: '' } } as const
  const load = async (changed: Parameters<typeof set>[0]) =>
    checkMaterial(await unlock(set(changed), settings), new Date())
  const refuses = (error: Error) => error instanceof MaterialFault
  return {
    'certificate PEM': { samples: material.pems, weight: 4, parse: (serverPem) => load({ serverPem }), refuses },
    'authority PEM': { samples: material.pems, weight: 4, parse: (caPem) => load({ caPem }), refuses },
    'key PEM, PKCS#8 and others': {
      samples: material.keys,
      weight: 3,
      parse: (serverKey) => load({ serverKey }),
      refuses,
    },
    // the base64 stays whole here: what is damaged is inside
    'certificate DER': {
      samples: material.ders,
      weight: 3,
      parse: (der) => load({ serverPem: pemOf('CERTIFICATE', der), caPem: pemOf('CERTIFICATE', der) }),
      refuses,
    },
    'key DER': {
      samples: material.keyDers,
      weight: 3,
      parse: (der) => load({ serverKey: pemOf(der[4] === 2 ? 'PRIVATE KEY' : 'ENCRYPTED PRIVATE KEY', der) }),
      refuses,
    },
    'PKCS#12': {
      samples: material.bundles,
      weight: 1,
      parse: (input) => openBundle(input, material.passphrase),
      refuses: (error) => error instanceof BundleError,
    },
    CRL: {
      samples: material.crls,
      weight: 5,
      parse: readCrl,
      // its caller turns what it throws into a fault of the file; a stack that ran over is none
      refuses: (error) => !/call stack/.test(error.message),
    },
  }
}

function pemOf(label: string, der: Buffer): Buffer {
  const body = der.toString('base64').replace(/.{64}/g, '$&\n')
  return Buffer.from(`-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`)
}

/** A directory for parsers that read files. */
export function scratchFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'redkite-mutated-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

const JSON_BODIES = [
  '{"collectionName": "c", "data": [[0.1, 0.2e-3]], "filter": "id in [9007199254740993, -1]", "limit": 10, "outputFields": ["*"]}',
  '{"dbName": "d", "data": [{"id": 1, "v": [1, 2], "j": {"a": [true, null, "\\u00e9\\ud834\\udd1e"]}}]}',
  '{"schema": {"fields": [{"fieldName": "id", "dataType": "Int64", "isPrimary": true, "elementTypeParams": {"dim": "2"}}]}}',
  `{"a": ${'['.repeat(60)}1${']'.repeat(60)}, "b": -0.0, "c": 1e400, "d": 123456789012345678901234567890}`,
]
const FILTERS = [
  'id > 3 and name like "a%" or not (price * 2 + 1.5e3 <= weight)',
  "large in [1, 2, -9223372036854775808] && title != 'x\\\"y'",
  'doc["a"]["b"][0] == "é" and json_contains(doc["tags"], 7)',
  'exists doc["k"] or extra["x"] is not null',
  'array_contains_any(doc, [1, 2]) or 1 < small < 5 and flag == true',
  'id in [1,2,3] and ((((((((price ** 2 % 3 > 0x1F))))))))',
  'TEXT_MATCH(name, "a b") and random_sample(0.5)',
]
const CONFIGURATIONS = [
  'common:\n  security:\n    tlsMode: 2\n    authorizationEnabled: true\ntls:\n  serverPemPath: /a/server.pem\n  serverKeyPath: "b"\n  caPemPath: c\n',
  'proxy:\n  http: {enabled: true, port: 8080}\n  maxNameLength: 255\nlog: {level: debug}\n# comment\nredkite:\n  identity:\n    rules: ["cn=(.*) -> $1"]\n',
  'extraConfigFiles:\n  user.yaml: |+\n    common:\n      security:\n        tlsMode: 1\n',
  'apiVersion: milvus.io/v1beta1\nkind: Milvus\nmetadata: {name: m}\nspec:\n  config:\n    common: &a {security: {tlsMode: 1}}\n    tls: *a\n',
  'a: &x [1, *x]\n? complex\n: !!binary aGk=\n--- \n%YAML 1.2\n',
]
const SETTINGS = [
  'redkite.limits.windowBytes=1048576',
  'proxy.http.readHeaderTimeout=1m30s',
  'common.security.tlsMode=1',
  'redkite.tls.ciphers=TLS_AES_256_GCM_SHA384,ECDHE-ECDSA-AES128-GCM-SHA256',
  'redkite.identity.policy=writer=certificate, *=password',
  'redkite.upstream.uri=https://[::1]:19530',
]
const RULES = [
  'uri=spiffe://prod.example/app/([a-z0-9-]+) -> $1',
  'email=(.*)@example\\.com -> $1',
  'dn=CN=(a|b{1,3})\\3B,O=Example -> ops_$1',
  'cn=((?:x[^y]*)+)z -> u',
  'dns=*.example -> svc.a-b',
]
const POLICIES = ['writer=certificate, ops=both, *=password', '*=both', 'a=password,b=certificate']
