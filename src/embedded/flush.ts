import { wallMs } from '../catalog/clock.ts'
import { collectionOf, type Handler } from './world.ts'

/**
 * Every acknowledged row is on disk already, so a flush has nothing to wait for, and sealing follows the number of
 * growing rows, not the flushes (clients flush after every few rows). No segment ids are given out: clients only hand
 * them back to GetFlushState.
 */
export const flush: Handler<'Flush'> = (world, { db, collections }) => {
  const segments: Record<string, readonly bigint[]> = {}
  const sealTimes: Record<string, bigint> = {}
  const flushTs: Record<string, bigint> = {}
  for (const collection of collections) {
    collectionOf(world, { db, collection })
    const ts = world.catalog.clock.next()
    segments[collection] = []
    sealTimes[collection] = wallMs(ts) / 1000n
    flushTs[collection] = ts
  }
  return { segments, sealTimes, flushTs }
}

export const getFlushState: Handler<'GetFlushState'> = () => ({ flushed: true })
