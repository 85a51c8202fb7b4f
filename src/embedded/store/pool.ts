import { join } from 'node:path'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { RowStore, StoreLayout, StorePool } from './contract.ts'
import type { WriterCalls } from './messages.ts'
import { ReaderPool } from './reader-pool.ts'
import { SqliteRowStore } from './row-store.ts'
import { type StartThread, StoreThread } from './store-thread.ts'

export interface StorePoolOptions {
  /** Threads that write; a collection stays with one of them. */
  readonly writerThreads: number
  /** Threads that scan. */
  readonly readerThreads: number
  readonly log: Log
  readonly metrics: Pick<Metrics, 'commits' | 'commitLatency'>
  /** For tests that end a thread. */
  readonly startThread?: StartThread
}

/** The row stores of all collections over shared threads; threads start with their first use. */
export function createStorePool(options: StorePoolOptions): StorePool {
  const log = options.log.at('store/pool.ts')
  const shared = {
    start: options.startThread,
    onCommit: (milliseconds: number) => {
      options.metrics.commits.inc()
      options.metrics.commitLatency.observe(milliseconds / 1000)
    },
    onCrash: (reason: string) =>
      log.error('A thread of the row store stopped; it starts again with the next call', { reason }),
  }
  let ailment: string | null = null
  const onWriterCrash = (reason: string) => {
    shared.onCrash(reason)
    ailment = `a thread that writes stopped (${reason})`
  }
  const writers = Array.from({ length: Math.max(1, options.writerThreads) }, () => ({
    thread: new StoreThread<WriterCalls>({ ...shared, onCrash: onWriterCrash, script: 'writer-worker' }),
    collections: 0,
  }))
  const readers = new ReaderPool(options.readerThreads, { ...shared, script: 'reader-worker' })
  const open = new Set<RowStore>()

  return {
    get ailment() {
      return ailment
    },
    async open(directory: string, layout: StoreLayout): Promise<RowStore> {
      const writer = writers.reduce((best, next) => (next.collections < best.collections ? next : best))
      writer.collections += 1
      const store = new SqliteRowStore(join(directory, 'rows.db'), layout, writer.thread, readers, log, {
        onWrite: (failure) => {
          ailment = failure
        },
        onClose: () => {
          writer.collections -= 1
          open.delete(store)
        },
      })
      try {
        await store.start()
      } catch (error) {
        writer.collections -= 1
        throw error
      }
      open.add(store)
      return store
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all([...open].map((store) => store[Symbol.asyncDispose]()))
      await Promise.all([...writers.map((writer) => writer.thread.close()), readers.close()])
    },
  }
}
