import { wallMs } from '../catalog/clock.ts'
import { collectionOf, type Handler } from './world.ts'

/** Below this a segment would cost more than the exact search that it saves. */
const SEAL_ROWS_MIN = 2_000

/**
 * Every acknowledged row is on disk already, so a flush has nothing to wait for; it seals what is worth sealing in
 * the background. No segment ids are given out: clients only hand them back to GetFlushState.
 */
export const flush: Handler<'Flush'> = (world, { db, collections }) => {
  const segments: Record<string, readonly bigint[]> = {}
  const sealTimes: Record<string, bigint> = {}
  const flushTs: Record<string, bigint> = {}
  for (const collection of collections) {
    const entry = collectionOf(world, { db, collection })
    for (const { plan, index } of world.live(entry).indexes()) {
      if (plan.kind !== 'graph' || index.state().growingRows < SEAL_ROWS_MIN) continue
      index.seal().catch((thrown: unknown) => world.log.warn('seal after flush failed', { collection, thrown }))
    }
    const ts = world.catalog.clock.next()
    segments[collection] = []
    sealTimes[collection] = wallMs(ts) / 1000n
    flushTs[collection] = ts
  }
  return { segments, sealTimes, flushTs }
}

export const getFlushState: Handler<'GetFlushState'> = () => ({ flushed: true })
