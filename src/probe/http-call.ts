import { request } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { codeOf, reasonOf } from './dial.ts'
import { type CallOutcome, callHttp2 } from './grpc-call.ts'

/** The cheapest call of Milvus' REST interface v2. */
const LIST = '/v2/vectordb/collections/list'
const BODY_CHARACTERS_MAX = 100_000

export interface RestCall {
  /** `localhost:19530`, as in a URL. */
  readonly authority: string
  readonly token: string | null
  readonly timeoutMs: number
}

/** Lists the collections over REST on an open socket, by HTTP/2 where that was agreed, else HTTP/1.1. Never rejects. */
export function callRest(socket: Socket | TLSSocket, call: RestCall): Promise<CallOutcome> {
  const headers = {
    'content-type': 'application/json',
    ...(call.token === null ? {} : { authorization: `Bearer ${call.token}` }),
  }
  const body = Buffer.from('{}')
  if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') {
    const { authority, timeoutMs } = call
    return callHttp2(socket, { authority: `https://${authority}`, path: LIST, headers, body, timeoutMs })
  }
  return callHttp1(socket, call, headers, body)
}

function callHttp1(
  socket: Socket,
  { authority, timeoutMs }: RestCall,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<CallOutcome> {
  return new Promise((resolve) => {
    const finish = (outcome: CallOutcome) => {
      socket.destroy()
      resolve(outcome)
    }
    const onError = (error: unknown) => finish({ kind: 'refused', code: codeOf(error), message: reasonOf(error) })
    socket.on('error', onError)
    const sent = request({
      method: 'POST',
      path: LIST,
      headers: { ...headers, host: authority, 'content-length': body.length, connection: 'close' },
      createConnection: () => socket,
      timeout: timeoutMs,
    })
    sent.on('error', onError)
    sent.on('timeout', () => finish({ kind: 'refused', code: 'TIMEOUT', message: `no answer within ${timeoutMs} ms` }))
    sent.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        if (text.length < BODY_CHARACTERS_MAX) text += chunk
      })
      response.on('error', onError)
      response.on('end', () =>
        finish({
          kind: 'answer',
          http: response.statusCode ?? 0,
          grpc: null,
          message: '',
          headers: { 'content-type': response.headers['content-type'] },
          body: Buffer.from(text),
        }),
      )
    })
    sent.end(body)
  })
}
