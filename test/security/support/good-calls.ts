/** Clients that behave, at work while others do not: each call must be answered, and how long it took is kept. */
import assert from 'node:assert/strict'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { MILVUS_SERVICE, requestOn } from '../../support/raw-http2.ts'
import type { ClientTls } from '../../support/tls-client.ts'

/** base64 of root:Milvus, and the same as REST sends it. */
export const LOGIN = { authorization: Buffer.from('root:Milvus').toString('base64') }
const REST_LOGIN = { authorization: 'Bearer root:Milvus' }

export interface Target {
  readonly port: number
  /** Null: plaintext. */
  readonly tls: ClientTls | null
}

/** An HTTP/2 session; what becomes of it shows in the calls on it. */
export function session({ port, tls }: Target): ClientHttp2Session {
  const opened = connect(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, { servername: 'localhost', ...tls })
  opened.setMaxListeners(0).on('error', () => {})
  return opened
}

/** A session of another address of this machine, in plaintext. */
export function sessionFrom({ port }: Target, localAddress: string): ClientHttp2Session {
  const createConnection = () => connectTcp({ host: '127.0.0.1', port, localAddress })
  return connect(`http://127.0.0.1:${port}`, { createConnection })
}

/** A gRPC call that root makes. */
export async function grpcCall(on: ClientHttp2Session, rpc = 'GetVersion', message = Buffer.alloc(5)): Promise<void> {
  const head = { ':method': 'POST', ':path': MILVUS_SERVICE + rpc, 'content-type': 'application/grpc', te: 'trailers' }
  const { all, body } = await requestOn(on, { ...head, ...LOGIN }, message)
  assert.equal(all['grpc-status'], '0', String(all['grpc-message']))
  assert.ok(body.length > 5)
}

/** A REST call that root makes; the whole answer. */
export async function restCall(on: ClientHttp2Session, path: string, body = '{}', method = 'POST'): Promise<unknown> {
  const head = { ':method': method, ':path': path, 'content-type': 'application/json', ...REST_LOGIN }
  return JSON.parse((await requestOn(on, head, body)).body.toString())
}

export interface Loops {
  /** Milliseconds of each call, by the name of its loop. */
  readonly times: ReadonlyMap<string, readonly number[]>
  /** The first call that was not answered as it must be. */
  failure(): unknown
  /** Ends the loops; rejects where a call failed. */
  stop(): Promise<void>
}

/** Repeats each call until it is stopped, one after the other within a loop. */
export function loops(calls: Readonly<Record<string, readonly (() => Promise<unknown>)[]>>): Loops {
  const times = new Map<string, number[]>()
  let [busy, failure] = [true, null as unknown]
  const repeat = async (name: string, call: () => Promise<unknown>) => {
    const taken = times.get(name) ?? []
    times.set(name, taken)
    while (busy) {
      const began = performance.now()
      await call()
      taken.push(performance.now() - began)
    }
  }
  const running = Promise.all(Object.entries(calls).flatMap(([name, ones]) => ones.map((call) => repeat(name, call))))
  running.catch((error: unknown) => {
    failure = error
    busy = false
  })
  return {
    times,
    failure: () => failure,
    async stop() {
      busy = false
      await running
    },
  }
}
