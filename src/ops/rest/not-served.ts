import { fault } from '../../errors/error.ts'
import type { RestRoute } from '../op.ts'

const notServed = new WeakSet<RestRoute>()

/** A route of Milvus that this server knows and does not serve yet: 501 and code 10, rather than a puzzling 404. */
export function notServedRoute(path: string): RestRoute {
  const route: RestRoute = {
    method: 'POST',
    path: `/v2/vectordb/${path}`,
    run: async () => {
      throw fault('notServedYet', `${path} is not served yet`)
    },
  }
  notServed.add(route)
  return route
}

export function isServed(route: RestRoute): boolean {
  return !notServed.has(route)
}
