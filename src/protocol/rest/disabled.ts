import type { StreamHandlers } from '../../listener/handlers.ts'
import { stringifyReply } from './json.ts'

/** What answers HTTP where `proxy.http.enabled` is false: 404 with the key to change, before any login is asked for. */
export function createDisabledRestHandler(): StreamHandlers['rest'] {
  const body = stringifyReply({ code: 404, message: 'REST is off on this server: proxy.http.enabled is false' }, true)
  return (request, response) => {
    request.on('error', () => {})
    response.on('error', () => {})
    request.resume()
    const headers = { 'content-type': 'application/json; charset=utf-8', 'x-content-type-options': 'nosniff' }
    // @NOTE one signature for both HTTP versions' responses
    const writer: { writeHead(status: number, headers: Record<string, string>): unknown; end(text: string): unknown } =
      response
    writer.writeHead(404, headers)
    writer.end(body)
  }
}
