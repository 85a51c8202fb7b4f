/** A `fetch` that trusts one CA and shows a client certificate, which Node's own cannot be told. */
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { Show } from '../support/clients.ts'

interface Init {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly signal?: AbortSignal
}

/** For `HttpClient`'s `fetch` option: one connection a request. */
export function secureFetch(show: Exclude<Show, { kind: 'plain' }>): (url: string, init?: Init) => Promise<Response> {
  const { ca, client, clientKey } = show.set
  const pair = show.kind === 'mutual' ? { cert: readFileSync(client), key: readFileSync(clientKey) } : {}
  const tls = { ca: readFileSync(ca), agent: false, ...pair } as const
  return (url, { method = 'GET', headers = {}, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const options = { ...tls, method: method.toUpperCase(), headers, ...(signal ? { signal } : {}) }
      const call = request(url, options, async (answer) => {
        const chunks: Buffer[] = []
        for await (const chunk of answer) chunks.push(chunk)
        const status = answer.statusCode ?? 0
        resolve(new Response(Buffer.concat(chunks), { status, statusText: answer.statusMessage ?? '' }))
      })
      call.on('error', reject)
      call.end(body)
    })
}
