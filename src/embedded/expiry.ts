import type { CollectionEntry } from '../catalog/entries.ts'
import { fault } from '../errors/error.ts'
import type { Rpc } from '../model/calls.ts'
import type { Properties } from '../model/schema.ts'
import type { World } from './world.ts'

export const TTL_PROPERTY = 'collection.ttl.seconds'
/** A hundred years, as Milvus. */
const TTL_SECONDS_MAX = 3_155_760_000
/** How often rows that nobody asks for are looked at. */
const SWEEP_MS = 10_000

/** Calls whose answer depends on which rows there are. */
const LOOKING: ReadonlySet<string> = new Set<Rpc>([
  ...(['Search', 'HybridSearch', 'Query', 'Delete', 'GetCollectionStatistics', 'GetPartitionStatistics'] as const),
])

/** Seconds a row lives; null = for ever. @throws RedkiteError `invalidParameter` */
export function ttlSeconds(properties: Properties): number | null {
  const text = properties[TTL_PROPERTY]
  if (text === undefined) return null
  const seconds = Number(text)
  if (!/^\d{1,12}$/.test(text) || seconds > TTL_SECONDS_MAX) {
    throw fault(
      'invalidParameter',
      `${TTL_PROPERTY} (${text}) is invalid, it should be an integer in range [0, ${TTL_SECONDS_MAX}]`,
    )
  }
  return seconds === 0 ? null : seconds
}

/** Removes what has expired before a call looks at the rows: an expired row is never answered. */
export async function expireBefore(world: World, rpc: Rpc, request: object): Promise<void> {
  if (!LOOKING.has(rpc) || !('collection' in request) || !('db' in request)) return
  const entry = world.catalog.find(String(request.db), String(request.collection))
  if (entry) await expire(world, entry)
}

async function expire(world: World, entry: CollectionEntry): Promise<void> {
  const seconds = ttlSeconds(entry.properties)
  if (seconds === null) return
  const nowMs = world.catalog.clock.next() >> 18n
  await world.live(entry).expire((nowMs - BigInt(seconds) * 1000n) << 18n)
}

/** Removes expired rows in the background. */
export function sweepExpired(world: World): Disposable {
  const timer = setInterval(() => {
    for (const entry of world.catalog.collections(null)) {
      expire(world, entry).catch((error: unknown) => {
        world.log.warn('Expired rows could not be removed', { collection: entry.schema.name, error: String(error) })
      })
    }
  }, SWEEP_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
