/** The vector engine: opens field indexes that share scan threads, the native library and one build at a time. */
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { FieldIndex, FieldIndexOptions } from './contract.ts'
import { openFieldIndex } from './field-index.ts'
import { loadZvec, whyNoZvec } from './native/zvec.ts'
import { createScanPool } from './scan-pool.ts'

/** What an engine needs; one engine serves the whole process. */
export interface VectorEngineOptions {
  readonly log: Log
  readonly metrics: Metrics
  /** Threads for exact scans, at least 1. Native searches run on libuv's pool (`UV_THREADPOOL_SIZE`, 4 by default). */
  readonly threads: number
  /** `off` never loads a native library, as on a platform that has no build of it. */
  readonly native?: 'auto' | 'off'
}

/** Disposing closes every index it opened (builds end at once) and its threads. */
export interface VectorEngine extends AsyncDisposable {
  /** The native library with its version, or `exact`. */
  readonly name: string
  readonly nativeAvailable: boolean
  /** Resolves once every row is searchable. The caller holds writes back meanwhile. */
  open(options: FieldIndexOptions): Promise<FieldIndex>
}

/** Loads the native library where there is one; else says once that every search is exact. */
export function createVectorEngine({ log, metrics, threads, native = 'auto' }: VectorEngineOptions): VectorEngine {
  const own = log.at('engine/engine.ts')
  const library = native === 'off' ? null : loadZvec()
  if (!library) {
    const reason = native === 'off' ? 'turned off' : whyNoZvec()
    own.warn('no native index library here, every search computes all distances', { reason })
  }
  const pool = createScanPool(Math.max(1, threads))
  const indexes = new Set<FieldIndex>()
  const scope = { library, pool, log: own, metrics, closed: (index: FieldIndex) => indexes.delete(index) }
  return {
    name: library ? `${library.name} ${library.version}` : 'exact',
    nativeAvailable: library !== null,
    async open(options) {
      const index = await openFieldIndex(scope, options)
      indexes.add(index)
      return index
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...indexes].map((index) => index[Symbol.asyncDispose]()))
      await pool[Symbol.asyncDispose]()
    },
  }
}
