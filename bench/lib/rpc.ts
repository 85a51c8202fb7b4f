/** The leanest gRPC client that `node:http2` allows: one session, messages encoded beforehand, replies as bytes. */
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import type { CertSet } from '../../test/support/sets.ts'

export type Mode = 'plain' | 'oneWay' | 'mutual'
export const modes = ['plain', 'oneWay', 'mutual'] as const satisfies readonly Mode[]

/** How a server is reached; plain data, so that it can be sent to another process. */
export interface Target {
  readonly port: number
  readonly mode: Mode
  readonly set: CertSet | null
  /** `user:password` or null. */
  readonly login: string | null
}

export interface Rpc extends Disposable {
  /** The reply's message, or an error with gRPC's status. */
  call(path: string, frame: Buffer): Promise<Buffer>
}

const WINDOW = 1 << 20

/** The TLS options of a client of this mode. */
export function clientTls({ mode, set }: Target): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  if (mode === 'plain' || !set) return {}
  const ca = readFileSync(set.ca)
  if (mode === 'oneWay') return { ca }
  return { ca, cert: readFileSync(set.client), key: readFileSync(set.clientKey) }
}

export async function connectRpc(target: Target): Promise<Rpc> {
  const scheme = target.mode === 'plain' ? 'http' : 'https'
  const session = http2.connect(`${scheme}://localhost:${target.port}`, {
    ...clientTls(target),
    settings: { initialWindowSize: WINDOW, enablePush: false },
  })
  await new Promise<void>((resolve, reject) => {
    session.once('connect', () => resolve())
    session.once('error', reject)
  })
  session.setLocalWindowSize(16 * WINDOW)
  const common = {
    ':method': 'POST',
    te: 'trailers',
    'content-type': 'application/grpc',
    ...(target.login ? { authorization: Buffer.from(target.login).toString('base64') } : {}),
  }
  return {
    call: (path, frame) => call(session, { ...common, ':path': path }, frame),
    [Symbol.dispose]: () => session.destroy(),
  }
}

function call(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, frame: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers)
    const pieces: Buffer[] = []
    let status: string | null = null
    let text = ''
    const read = (block: http2.IncomingHttpHeaders) => {
      if (block['grpc-status'] === undefined) return
      status = String(block['grpc-status'])
      text = String(block['grpc-message'] ?? '')
    }
    stream.on('response', read)
    stream.on('trailers', read)
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', () => {
      if (status !== '0') reject(new Error(`gRPC status ${status}: ${decodeURIComponent(text)}`))
      else resolve((pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)).subarray(5))
    })
    stream.on('error', reject)
    stream.end(frame)
  })
}
