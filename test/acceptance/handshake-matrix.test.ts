/**
 * The handshake matrix: every kind of client against {gRPC, REST, internal, management} in tlsMode {0, 1, 2}, explain
 * off and on. A refusal counts only with its reason: in the metric, which must move by exactly that and nothing else
 * (a crash or a chance reset does not pass), in the log, in what the client sees, and in explain's answer.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Made } from '../support/certificates.ts'
import { make } from '../support/certificates.ts'
import {
  ADMITTED,
  type Authorities,
  type ClientKind,
  clientKinds,
  makeAuthorities,
  PEER,
  type Verdict,
} from '../support/client-kinds.ts'
import { makeCrl } from '../support/crls.ts'
import { eventually } from '../support/eventually.ts'
import { MILVUS_SERVICE, rawGrpc, rawRest } from '../support/raw-http2.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type ClientTls, http1Call } from '../support/tls-client.ts'
import { settings } from '../support/upstream.ts'

const PORTS = ['grpc', 'rest', 'internal', 'management'] as const
type PortName = (typeof PORTS)[number]
type Mode = 0 | 1 | 2
/** The `listener` label of each port; the management port has no TLS to count. */
const LISTENER: Readonly<Record<PortName, string>> = {
  grpc: 'proxy',
  rest: 'rest',
  internal: 'internal',
  management: '',
}

/** A client of the matrix: its certificate does not matter where a port has no TLS, or asks for none. */
interface Row {
  readonly what: string
  readonly kind: ClientKind
  readonly version: 'TLS 1.3' | 'TLS 1.2' | 'TLS 1.1' | 'TLS 1.0' | 'plaintext'
}

const good = clientKinds.find(({ internal }) => internal === ADMITTED)
assert.ok(good)
const rows: readonly Row[] = [
  ...clientKinds.map((kind) => ({ what: kind.what, kind, version: 'TLS 1.3' as const })),
  ...(['plaintext', 'TLS 1.0', 'TLS 1.1', 'TLS 1.2'] as const).map((version) => ({
    what: version,
    kind: good,
    version,
  })),
]

const VERSIONS: Readonly<Record<Row['version'], ClientTls>> = {
  plaintext: {},
  'TLS 1.0': { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' },
  'TLS 1.1': { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
  'TLS 1.2': { maxVersion: 'TLSv1.2' },
  'TLS 1.3': {},
}

/** The promise. */
function expected({ kind, version }: Row, port: PortName, mode: Mode): Verdict {
  const isPlain = version === 'plaintext'
  if (port === 'management') return isPlain ? ADMITTED : { reason: 'no TLS here', says: /^/ }
  const portMode = port === 'internal' ? 2 : mode
  if (portMode === 0)
    return isPlain ? ADMITTED : { reason: 'tlsOnPlaintextPort', says: /began a TLS handshake on a plaintext port/ }
  if (isPlain)
    return {
      reason: port === 'rest' ? 'plaintextHttp' : 'plaintextHttp2',
      says: /without TLS|HTTP request to an HTTPS/,
    }
  if (version === 'TLS 1.0' || version === 'TLS 1.1') return TOO_LOW
  if (version === 'TLS 1.2' && portMode === 2) return TOO_LOW
  if (portMode === 1) return ADMITTED
  if (port !== 'internal') return kind.mutual
  return kind.internal ?? (kind.mutual.reason === null ? NOT_ALLOWED : kind.mutual)
}

const TOO_LOW: Verdict = { reason: 'versionTooLow', says: /unsupported versions/ }
const NOT_ALLOWED: Verdict = { reason: 'peerNotAllowed', says: /carries none of the names that may connect here/ }

/** What a refused client sees, where it is not told in words: the alert, or that the connection ended. */
function clientError(reason: string): RegExp {
  if (reason === 'noClientCertificate') return /ALERT_CERTIFICATE_REQUIRED/
  if (reason === 'versionTooLow') return /alert.protocol.version/i
  if (reason === 'tlsOnPlaintextPort' || reason === 'no TLS here')
    return /WRONG_VERSION_NUMBER|PACKET_LENGTH|ECONNRESET|closed|EPROTO|TLS connection was established/
  if (reason === 'plaintextHttp') return /^400 Client sent an HTTP request to an HTTPS server\./
  if (reason === 'plaintextHttp2') return /GOAWAY|closed|error code/i
  return /ECONNRESET|closed|socket hang up/
}

const place = temporary()
const at = (name: string) => join(place.path, name)
let authorities: Authorities
const clients = new Map<ClientKind, Made | null>()

before(async () => {
  authorities = await makeAuthorities()
  const { root, narrow } = authorities
  const server = await make({ cn: 'localhost', by: root, usages: ['serverAuth'] })
  writeFileSync(at('server.pem'), server.pem)
  writeFileSync(at('server.key'), server.key, { mode: 0o600 })
  writeFileSync(at('ca.pem'), root.pem + narrow.pem)
  await Promise.all(clientKinds.map(async (kind) => clients.set(kind, await kind.make(authorities))))
  const gone = (how: ClientKind['revoked']) =>
    clientKinds.flatMap((kind) => (kind.revoked === how ? (clients.get(kind) ?? []) : []))
  writeFileSync(at('ca.crl'), (await makeCrl({ by: root, revoked: gone('listed') })).pem)
  const lines = gone('denied').map(
    ({ certificate }) => `serial:${certificate.serialNumber.replace(/^0+/, '')} # left\n`,
  )
  writeFileSync(at('deny.txt'), `# the denied\n${lines.join('')}`)
})
after(() => place[Symbol.dispose]())

const start = (mode: Mode, explain: boolean) =>
  startRedkite({
    args: settings({
      'common.security.tlsMode': String(mode),
      'common.security.internaltlsEnabled': 'true',
      'tls.serverPemPath': at('server.pem'),
      'tls.serverKeyPath': at('server.key'),
      'tls.caPemPath': at('ca.pem'),
      'internaltls.serverPemPath': at('server.pem'),
      'internaltls.serverKeyPath': at('server.key'),
      'internaltls.caPemPath': at('ca.pem'),
      'proxy.http.port': '0',
      'proxy.internalPort': '0',
      'redkite.internaltls.allowedPeers': PEER,
      'redkite.tls.crlPath': at('ca.crl'),
      'redkite.tls.denyListPath': at('deny.txt'),
      'redkite.tls.explain': String(explain),
    }),
  })

/** What a port answers: `ok`, the words that it gives a refused client, or the client's own error. */
async function ask(port: PortName, served: Served, row: Row): Promise<string> {
  const number = Number(
    new URL(
      {
        grpc: served.ready.grpc,
        rest: served.ready.rest,
        internal: served.ready.internal ?? '',
        management: served.ready.metrics ?? '',
      }[port],
    ).port,
  )
  const made = clients.get(row.kind)
  const pair = made ? { cert: made.pem, key: made.key } : {}
  const tls =
    row.version === 'plaintext'
      ? null
      : { ca: authorities.root.pem, ...pair, ...row.kind.tls, ...VERSIONS[row.version] }
  try {
    if (tls === null && port === 'management')
      return (await fetch(`http://127.0.0.1:${number}/healthz`)).ok ? 'ok' : 'ill'
    if (port === 'management' || (tls === null && port === 'rest')) return status(await http1Call(number, tls))
    if (port === 'rest') {
      const { headers, body } = await rawRest(number, tls, '/v2/vectordb/collections/list')
      return String(headers[':status']) === '200' ? 'ok' : `${headers[':status']} ${body}`
    }
    const { all } = await rawGrpc(number, tls, `${MILVUS_SERVICE}GetVersion`)
    return all['grpc-status'] === '0'
      ? 'ok'
      : `grpc ${all['grpc-status']} ${decodeURIComponent(String(all['grpc-message']))}`
  } catch (thrown) {
    assert.ok(thrown instanceof Error)
    return `${'code' in thrown ? String(thrown.code) : ''} ${thrown.message}`
  }
}

function status(http1: string): string {
  const [, code = '', body = ''] = /^HTTP\/1\.[01] (\d+).*?\r\n\r\n(.*)/s.exec(http1) ?? []
  return code === '200' || code === '404' ? 'ok' : `${code} ${body}`
}

/** Handshakes so far, by `listener result reason`. */
async function counts(served: Served): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
  const found = new Map<string, number>()
  for (const [, listener, result, reason, count] of text.matchAll(
    /^redkite_tls_handshakes_total\{listener="(\w+)",result="(\w+)",reason="(\w*)",protocol="[^"]*"\} (\d+)$/gm,
  )) {
    const key = `${listener} ${result} ${reason}`
    found.set(key, (found.get(key) ?? 0) + Number(count))
  }
  return found
}

function moved(from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...to].flatMap(([key, count]) => (count === (from.get(key) ?? 0) ? [] : [[key, count - (from.get(key) ?? 0)]])),
  )
}

/** The movement of the metric that a row must make: one on each port, and nothing else. */
function movement(row: Row, mode: Mode): Readonly<Record<string, number>> {
  const keys = PORTS.filter((port) => port !== 'management').flatMap((port) => {
    const { reason } = expected(row, port, mode)
    if (reason !== null) return [`${LISTENER[port]} refused ${reason}`]
    return row.version === 'plaintext' ? [] : [`${LISTENER[port]} accepted `]
  })
  return Object.fromEntries(keys.map((key) => [key, 1]))
}

for (const mode of [0, 1, 2] as const) {
  for (const explain of [false, true]) {
    describe(`tlsMode ${mode}, explain ${explain ? 'on' : 'off'}`, () => {
      let served: Served
      let before_: ReadonlyMap<string, number>
      before(async () => {
        served = await start(mode, explain)
        before_ = await counts(served)
      })
      after(() => served?.[Symbol.asyncDispose]())

      for (const row of rows) {
        it(row.what, async () => {
          const answers = await Promise.all(PORTS.map((port) => ask(port, served, row)))
          const wanted = movement(row, mode)
          let now = before_
          await eventually(async () => {
            now = await counts(served)
            return Object.keys(wanted).every((key) => moved(before_, now)[key] !== undefined)
          }, 2_000).catch(() => {})
          const movedBy = moved(before_, now)
          before_ = now
          assert.deepEqual(movedBy, wanted)
          for (const [index, port] of PORTS.entries()) {
            const answer = answers[index] ?? ''
            const { reason, says } = expected(row, port, mode)
            if (reason === null) {
              assert.equal(answer, 'ok', port)
              continue
            }
            const isTold = explain && mode === 2 && (port === 'grpc' || port === 'rest') && row.version === 'TLS 1.3'
            if (isTold) {
              assert.match(
                answer,
                port === 'grpc' ? /^grpc 16 client certificate refused \(/ : /^401 \{"code":1800,/,
                port,
              )
              assert.ok(answer.includes(`client certificate refused (${reason}): `), answer)
              assert.match(answer, says, port)
            } else assert.match(answer, clientError(reason), `${port}: ${reason}`)
            if (port === 'management') continue
            const parts = [`\\[listener=${LISTENER[port]}\\]`, `\\[reason=${reason}\\]`]
            const line = served
              .log()
              .split('\n')
              .find((one) => parts.every((part) => new RegExp(part).test(one)) && says.test(one))
            assert.ok(
              line,
              `${port}: no line of the log with ${parts.join(' ')} ${says} in\n${served.log().split('\n').slice(-5).join('\n')}`,
            )
          }
        })
      }
    })
  }
}
