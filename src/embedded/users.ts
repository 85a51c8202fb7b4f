import type { UserRpc } from '../service.ts'
import type { Handler } from './world.ts'

/** An RPC about users, roles or grants: `auth/` knows them. */
export function byUsers<R extends UserRpc>(rpc: R): Handler<R> {
  return (world, request, pass) => world.users[rpc](pass, request)
}
