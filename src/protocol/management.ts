import type { Registry } from 'prom-client'
import type { RestRequest, RestResponse } from '../listener/handlers.ts'
import type { Log } from '../observe/log.ts'
import type { Health } from '../service.ts'

export interface ManagementDeps {
  health(): Health
  readonly registry: Registry
  readonly log: Log
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const TEXT = 'text/plain; charset=utf-8'

/**
 * Milvus' management port (9091) for probes and scrapers: `/healthz`, `/livez`, `/metrics`, and nothing else. No
 * login, so nothing here may tell more than whether the parts are well.
 */
export function createManagementHandler(deps: ManagementDeps): (request: RestRequest, response: RestResponse) => void {
  return (request, response) => {
    request.on('error', () => {})
    response.on('error', () => {})
    request.resume()
    answerTo(request, deps).then(
      (answer) => write(response, answer),
      (error: unknown) => {
        deps.log.error('management request failed', { url: request.url, error: String(error) })
        write(response, { status: 500, type: TEXT, body: 'internal error' })
      },
    )
  }
}

async function answerTo(request: RestRequest, deps: ManagementDeps): Promise<Answer> {
  const [path] = (request.url ?? '/').split('?')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, type: TEXT, body: 'method not allowed; use GET' }
  switch (path) {
    case '/healthz':
      return healthz(deps.health(), /application\/json/i.test(request.headers['content-type'] ?? ''))
    case '/livez':
      return { status: 200, type: TEXT, body: 'Milvus Process Active' }
    case '/metrics':
      return { status: 200, type: deps.registry.contentType, body: await deps.registry.metrics() }
    default:
      return { status: 404, type: TEXT, body: '404 page not found' }
  }
}

/** healthz_handler.go: text, or JSON where the request's own Content-Type is JSON. */
function healthz(health: Health, json: boolean): Answer {
  const well = health.parts.filter((part) => part.healthy).length
  const status = health.healthy ? 200 : 500
  const state = health.healthy ? 'OK' : `Not all components are healthy, ${well}/${health.parts.length}`
  if (!json) return { status, type: TEXT, body: state }
  const detail = health.parts.map((part) => ({ name: part.name, code: part.healthy ? 'Healthy' : 'Abnormal' }))
  return { status, type: 'application/json', body: JSON.stringify({ state, detail }) }
}

function write(response: RestResponse, { status, type, body }: Answer): void {
  const target: Writable = response
  const bytes = Buffer.from(body, 'utf8')
  target.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'x-content-type-options': 'nosniff',
  })
  target.end(bytes)
}

/** What both versions' responses share in one signature. */
interface Writable {
  writeHead(status: number, headers: Record<string, string | number>): unknown
  end(body: Buffer): unknown
}
