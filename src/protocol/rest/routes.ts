import type { Rpc } from '../../model/calls.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { Op, RestRoute } from '../../ops/op.ts'
import { type CallStats, callStats } from '../call-stats.ts'

/** A route and what the protocol knows of it. */
export interface BoundRoute {
  readonly route: RestRoute
  readonly stats: CallStats
  /** The code of a success: 200 in v1, 0 in v2. */
  readonly okCode: number
  /** A body of no bytes counts as `{}`; elsewhere Milvus refuses it (1801). */
  readonly emptyBody: boolean
}

/**
 * Answered to GET as to POST, and without a body: the encryption page checks its REST set-up with a bare
 * `curl …/v2/vectordb/collections/list`, which Milvus itself (POST only, body required) answers with 404.
 */
const GET_AS_POST: ReadonlySet<string> = new Set(['/v2/vectordb/collections/list'])

/** Every route of the ops by method and path. @throws Error when two ops declare the same route. */
export function routeTable(
  ops: { readonly [R in Rpc]?: Op<R> },
  metrics: Metrics,
): (method: string, path: string) => BoundRoute | undefined {
  const table = new Map<string, BoundRoute>()
  for (const op of Object.values(ops))
    for (const route of op.rest) {
      const key = `${route.method} ${route.path}`
      if (table.has(key)) throw new Error(`two ops declare the REST route ${key}`)
      const bound = {
        route,
        stats: callStats(metrics, route.path, 'rest'),
        okCode: route.path.startsWith('/v1/') ? 200 : 0,
        emptyBody: GET_AS_POST.has(route.path),
      }
      table.set(key, bound)
      if (GET_AS_POST.has(route.path)) table.set(`GET ${route.path}`, bound)
    }
  return (method, path) => table.get(`${method === 'HEAD' ? 'GET' : method} ${path}`)
}
