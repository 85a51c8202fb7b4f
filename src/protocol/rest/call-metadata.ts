import type { CallMetadata } from '../../service.ts'
import type { Exchange } from './exchange.ts'

/** Headers of a REST request that mean the same as gRPC metadata. */
const SAME = ['traceparent', 'tracestate', 'client-request-id'] as const
/** `grpc-timeout` has eight digits at most. */
const MILLISECONDS_MAX = 99_999_999

/**
 * What goes with a REST call that is passed on, as gRPC writes it: the login in base64, trace ids, and what is left of
 * the request's time.
 */
export function callMetadata(exchange: Exchange, limitMs: number): CallMetadata {
  const leftMs = limitMs - (performance.now() - exchange.startedAt)
  const metadata: Record<string, string> = {
    'grpc-timeout': `${Math.min(MILLISECONDS_MAX, Math.max(1, Math.ceil(leftMs)))}m`,
  }
  const login = loginOf(exchange.header('authorization') ?? '')
  if (login !== '') metadata['authorization'] = login
  for (const name of SAME) {
    const value = exchange.header(name)
    if (value !== undefined) metadata[name] = value
  }
  return metadata
}

/** Basic carries base64 already; Bearer, and a token without a scheme, carry `user:password` or an API key as it is. */
function loginOf(header: string): string {
  const basic = /^basic\s+(.*)$/i.exec(header)
  if (basic) return basic[1] ?? ''
  return Buffer.from(header.replace(/^Bearer /, '')).toString('base64')
}
