/**
 * The exact kernel: scores of one query against a tile of rows, in WebAssembly SIMD. Rows are copied into the
 * module's own small memory tile by tile, so the vectors stay where they are (a SharedArrayBuffer) and any thread
 * can scan them; the copy is paid once for all queries of a search.
 */
import { kernelModule } from './module.ts'

const PAGE_BYTES = 65536
/** Small enough to stay in the second-level cache while every query passes over it. */
const TILE_BYTES = 128 * 1024
const QUERY_BYTES = 256 * 1024

type Score = (query: number, row: number, rows: number, wideBytes: number, rowBytes: number, out: number) => void

/** One tile of rows and a group of queries; tile and queries stay loaded between calls. */
export interface Kernel {
  readonly dim: number
  /** Rows a tile holds, and queries that can be loaded at once. */
  readonly tileRows: number
  readonly queriesMax: number
  /** Copies `rows` rows of `vectors` from row `from` into the tile at row `to`. */
  loadRows(vectors: Float32Array, from: number, rows: number, to: number): void
  loadQuery(slot: number, queries: Float32Array, query: number): void
  /** Dot products of a loaded query with the first `rows` rows of the tile; the view is valid until the next call. */
  dot(slot: number, rows: number): Float32Array
  /** Squared distances, likewise. */
  l2(slot: number, rows: number): Float32Array
  /** Squared length of each of the first `rows` rows of the tile. */
  squares(rows: number): Float32Array
}

/** The little of WebAssembly used here: neither the ES library nor Node's types declare it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Memory {
    constructor(descriptor: { initial: number })
    readonly buffer: ArrayBuffer
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>)
    readonly exports: Readonly<{ dot?: unknown; l2?: unknown }>
  }
}

let compiled: WebAssembly.Module | null = null

function isScore(value: unknown): value is Score {
  return typeof value === 'function'
}

/** One kernel per thread and dimension. Not re-entrant: a scan runs to its end without yielding. */
export function createKernel(dim: number): Kernel {
  compiled ??= new WebAssembly.Module(kernelModule())
  const stride = Math.ceil(dim / 4) * 4
  const rowBytes = stride * 4
  const tileRows = Math.max(1, Math.floor(TILE_BYTES / rowBytes))
  const queriesMax = Math.max(1, Math.floor(QUERY_BYTES / rowBytes))
  const queryAt = tileRows * rowBytes
  const outAt = queryAt + queriesMax * rowBytes
  const memory = new WebAssembly.Memory({ initial: Math.ceil((outAt + tileRows * 4) / PAGE_BYTES) })
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
  const { dot, l2 } = exports
  if (!isScore(dot) || !isScore(l2)) throw new Error('the kernel module exports no dot and l2')

  const floats = new Float32Array(memory.buffer)
  const out = floats.subarray(outAt / 4, outAt / 4 + tileRows)
  const wideBytes = Math.floor(rowBytes / 64) * 64

  return {
    dim,
    tileRows,
    queriesMax,
    loadRows(vectors, from, rows, to) {
      // Memory starts zeroed and a lane past `dim` is never written, so the padding of each row stays zero.
      if (stride === dim) floats.set(vectors.subarray(from * dim, (from + rows) * dim), to * dim)
      else {
        for (let row = 0; row < rows; row++) {
          floats.set(vectors.subarray((from + row) * dim, (from + row + 1) * dim), (to + row) * stride)
        }
      }
    },
    loadQuery(slot, queries, query) {
      floats.set(queries.subarray(query * dim, (query + 1) * dim), queryAt / 4 + slot * stride)
    },
    dot(slot, rows) {
      dot(queryAt + slot * rowBytes, 0, rows, wideBytes, rowBytes, outAt)
      return out
    },
    l2(slot, rows) {
      l2(queryAt + slot * rowBytes, 0, rows, wideBytes, rowBytes, outAt)
      return out
    },
    squares(rows) {
      for (let row = 0; row < rows; row++) {
        dot(row * rowBytes, row * rowBytes, 1, wideBytes, rowBytes, outAt + row * 4)
      }
      return out
    },
  }
}
