import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import type { Permissions } from './grants.ts'

/**
 * The lists that Milvus shows to everybody who is logged in, narrowed to what the caller has a grant for (2.6
 * `rootcoord` `list_db_task`, `show_collection_task`): databases in which there is one, and collections that one is on.
 */
export function visible<R extends Rpc>(
  rpc: R,
  request: RequestOf<R>,
  reply: ReplyOf<R>,
  { seesDatabase, seesCollection }: Permissions,
): ReplyOf<R> {
  if (rpc === 'ListDatabases') {
    const { databases } = reply as ReplyOf<'ListDatabases'>
    return { databases: databases.filter(({ name }) => seesDatabase(name)) } as ReplyOf<R>
  }
  if (rpc === 'ShowCollections') {
    const { db } = request as RequestOf<'ShowCollections'>
    const { collections } = reply as ReplyOf<'ShowCollections'>
    return { collections: collections.filter(({ name }) => seesCollection(db, name)) } as ReplyOf<R>
  }
  return reply
}

/** RPCs whose replies `visible` narrows. */
export function isNarrowed(rpc: string): boolean {
  return rpc === 'ListDatabases' || rpc === 'ShowCollections'
}
