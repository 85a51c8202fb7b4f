/**
 * Handshakes that a real Milvus and ours are put through alike, and where ours answers otherwise: why.
 * Outcomes: `accepted` (a gRPC call was answered), `refused`, or what REST said.
 */
import { writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type Made, make } from '../support/certificates.ts'
import { nodeConnects } from '../support/clients.ts'
import { type CertSet, setIn } from '../support/sets.ts'
import { type ClientTls, http1Call, http2Call, rawExchange } from '../support/tls-client.ts'
import { curl, openssl, run, type Tool } from '../support/tools.ts'

export type Mode = 1 | 2
export const CLIENTS = ['good', 'noUsage', 'serverOnly', 'stranger', 'expired', 'notYet'] as const
export type ClientKind = (typeof CLIENTS)[number]

export interface Material {
  readonly set: CertSet
  readonly ca: Made
  readonly clients: Readonly<Record<ClientKind, Made>>
}

/** A server set in `dir`, and clients good and bad; their files are `<kind>.pem` and `<kind>.key`. */
export async function makeMaterial(dir: string): Promise<Material> {
  const ca = await make({ cn: 'parity ca', ca: true })
  const other = await make({ cn: 'other ca', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  const usages = ['clientAuth'] as const
  const clients: Record<ClientKind, Made> = {
    good: await make({ cn: 'good', by: ca, usages }),
    noUsage: await make({ cn: 'no usage', by: ca }),
    serverOnly: await make({ cn: 'server only', by: ca, usages: ['serverAuth'] }),
    stranger: await make({ cn: 'stranger', by: other, usages }),
    expired: await make({ cn: 'expired', by: ca, usages, fromDays: -20, toDays: -2 }),
    notYet: await make({ cn: 'not yet', by: ca, usages, fromDays: 2 }),
  }
  for (const [name, made] of Object.entries({ ca, server, client: clients.good, ...clients })) {
    writeFileSync(join(dir, `${name}.pem`), made.pem)
    writeFileSync(join(dir, `${name}.key`), made.key, { mode: 0o600 })
  }
  return { set: setIn(dir), ca, clients }
}

export interface HandshakeCase {
  readonly what: string
  readonly outcome: Readonly<Record<Mode, string>>
  /** Set where ours answers otherwise on purpose. */
  readonly ours?: { readonly outcome: Readonly<Record<Mode, string>>; readonly because: string }
  /** The program that it takes. */
  readonly needs?: Tool
  run(port: number, material: Material): Promise<string>
}

const GRPC = 'application/grpc'

async function grpcOutcome(port: number, tls: ClientTls): Promise<string> {
  try {
    // an unknown method: any gRPC status means that the handshake was taken and the call heard
    const { grpcStatus } = await http2Call(port, tls, GRPC, '\0\0\0\0\0')
    return grpcStatus === null ? 'no gRPC status' : 'accepted'
  } catch {
    return 'refused'
  }
}

function withClient(kind: ClientKind | null, more: ClientTls = {}): HandshakeCase['run'] {
  return (port, { ca, clients }) => {
    const pair = kind === null ? {} : { cert: clients[kind].pem, key: clients[kind].key }
    return grpcOutcome(port, { ca: ca.pem, ...pair, ...more })
  }
}

function nodeSdk(kind: 'oneWay' | 'mutual'): HandshakeCase['run'] {
  return async (port, { set }) => ((await nodeConnects(port, { kind, set })) === 'ok' ? 'accepted' : 'refused')
}

const both = (outcome: string) => ({ 1: outcome, 2: outcome })
/** What mode 2 refuses and mode 1, which asks for no certificate, does not see. */
const onlyOneWay = { 1: 'accepted', 2: 'refused' }
const tls12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const

export const handshakeCases: readonly HandshakeCase[] = [
  { what: 'a client certificate of the CA', outcome: both('accepted'), run: withClient('good') },
  { what: 'no client certificate', outcome: onlyOneWay, run: withClient(null) },
  { what: 'a client certificate without extended key usage', outcome: both('accepted'), run: withClient('noUsage') },
  { what: 'a client certificate for serverAuth only', outcome: onlyOneWay, run: withClient('serverOnly') },
  { what: 'a client certificate of another CA', outcome: onlyOneWay, run: withClient('stranger') },
  { what: 'an expired client certificate', outcome: onlyOneWay, run: withClient('expired') },
  { what: 'a client certificate that is not valid yet', outcome: onlyOneWay, run: withClient('notYet') },
  { what: 'TLS 1.2 only', outcome: onlyOneWay, run: withClient('good', tls12) },
  {
    what: 'TLS 1.2 only, with a CBC cipher that HTTP/2 forbids',
    outcome: { 1: 'accepted', 2: 'refused' },
    ours: {
      outcome: both('refused'),
      because: 'old grpc-go took them; that of Milvus 2.6 leaves out what RFC 9113 appendix A forbids',
    },
    run: withClient('good', { ...tls12, ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
  },
  {
    what: 'openssl with TLS 1.1',
    outcome: onlyOneWay,
    ours: {
      outcome: both('refused'),
      because: 'the grpc-go of Milvus 2.6 asks for TLS 1.2; that of 2.3 did not (RFC 8996)',
    },
    needs: openssl,
    run: async (port, { set }) => {
      const args = [
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        '-tls1_1',
        '-cipher',
        'ALL:@SECLEVEL=0',
        '-CAfile',
        set.ca,
      ]
      const { exitCode, stdout } = await run(openssl.path, args)
      return exitCode === 0 && !/Cipher is \(NONE\)/.test(stdout) ? 'accepted' : 'refused'
    },
  },
  { what: 'the Node SDK with its client pair', outcome: both('accepted'), run: nodeSdk('mutual') },
  { what: 'the Node SDK without one', outcome: onlyOneWay, run: nodeSdk('oneWay') },
  { what: 'TLS 1.3 only', outcome: both('accepted'), run: withClient('good', { minVersion: 'TLSv1.3' }) },
  {
    what: 'gRPC without ALPN',
    outcome: both('accepted'),
    ours: {
      outcome: both('refused'),
      because: 'grpc-go 1.67 and later, in Milvus 2.6, refuse it (RFC 9113 3.3)',
    },
    run: (port, { ca, clients }) => noAlpn(port, { ca: ca.pem, cert: clients.good.pem, key: clients.good.key }),
  },
  {
    what: 'curl to REST on the TLS port of gRPC',
    outcome: both('415'),
    ours: {
      outcome: both('200'),
      because: 'gRPC and REST share one TLS port here; Milvus wants a port of its own for REST',
    },
    needs: curl,
    run: async (port, { set }) => {
      const url = `https://localhost:${port}/v2/vectordb/collections/list`
      const show = ['--cacert', set.ca, '--cert', set.client, '--key', set.clientKey]
      return (await run(curl.path, ['-sS', '--max-time', '10', ...show, '-o', devNull, '-w', '%{http_code}', url]))
        .stdout
    },
  },
  {
    what: 'REST over HTTP/1.1 on the TLS port of gRPC',
    outcome: both('refused'),
    ours: { outcome: both('answered'), because: 'the same shared port: curl --http1.1 works' },
    run: async (port, { ca, clients }) => {
      const tls = { ca: ca.pem, cert: clients.good.pem, key: clients.good.key }
      const text = await http1Call(port, tls).catch(() => '')
      return text.startsWith('HTTP/1.1 ') ? 'answered' : 'refused'
    },
  },
  {
    what: 'plaintext HTTP to the TLS port',
    outcome: both('closed without a word'),
    ours: { outcome: both('400'), because: 'Go’s own answer on the REST port; here the port is shared, and it helps' },
    run: async (port) => {
      const text = await rawExchange(port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      return text === '' ? 'closed without a word' : (/^HTTP\/1\.0 (\d+)/.exec(text)?.[1] ?? text)
    },
  },
]

/** HTTP/2 on a TLS connection that negotiated no protocol. */
async function noAlpn(port: number, tls: ClientTls): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ...tls })
  return new Promise((resolve) => {
    const session = connectHttp2('https://localhost', { createConnection: () => socket })
    const end = (outcome: string) => {
      session.destroy()
      socket.destroy()
      resolve(outcome)
    }
    session.on('error', () => end('refused'))
    session.on('close', () => end('refused'))
    const stream = session.request({ ':method': 'POST', ':path': '/p.S/M', 'content-type': GRPC, te: 'trailers' })
    stream.on('error', () => end('refused'))
    stream.on('response', () => end('accepted'))
    stream.end('\0\0\0\0\0')
  })
}

export interface PymilvusCase {
  readonly what: string
  readonly outcome: Readonly<Record<Mode, string>>
  options(material: Material): Record<string, string>
}

function pair(kind: ClientKind): PymilvusCase['options'] {
  return ({ set }) => ({
    client_pem_path: join(set.dir, `${kind}.pem`),
    client_key_path: join(set.dir, `${kind}.key`),
    ca_pem_path: set.ca,
  })
}

/** What pymilvus is told; every outcome is the same on both servers. */
export const pymilvusCases: readonly PymilvusCase[] = [
  {
    what: 'server_pem_path = the leaf server.pem',
    outcome: onlyOneWay,
    options: ({ set }) => ({ server_pem_path: set.server }),
  },
  { what: 'server_pem_path = ca.pem', outcome: onlyOneWay, options: ({ set }) => ({ server_pem_path: set.ca }) },
  { what: 'a client pair (in mode 1 nobody asked for it)', outcome: both('accepted'), options: pair('good') },
  { what: 'a client pair for serverAuth only', outcome: onlyOneWay, options: pair('serverOnly') },
  { what: 'a client pair of another CA', outcome: onlyOneWay, options: pair('stranger') },
  { what: 'an expired client pair', outcome: onlyOneWay, options: pair('expired') },
  {
    what: 'a CA that did not issue the server',
    outcome: both('refused'),
    options: ({ set }) => ({ server_pem_path: join(set.dir, 'stranger.pem') }),
  },
]
