import type { Column } from '../../model/columns.ts'
import type { Applied, Change } from './contract.ts'
import type { FieldRef } from './layout.ts'
import type { Page, RidRange, Scope } from './read.ts'
import type { WireError } from './sqlite-error.ts'

/** The calls to a store thread: `ask` goes over, `answer` comes back. Plain data only. */
export interface WriterCalls {
  open: {
    ask: { file: string; fields: readonly FieldRef[]; mustExist: boolean }
    answer: { rowCount: number; lastRid: number; remarks: readonly string[] }
  }
  write: { ask: { file: string; change: Change }; answer: { applied: Applied; rowCount: number } }
  close: { ask: { file: string }; answer: null }
}

export interface ReaderCalls {
  count: { ask: { file: string; scope: Scope }; answer: number }
  query: {
    ask: { file: string; scope: Scope; page: Page; fields: readonly FieldRef[] }
    answer: { rowCount: number; columns: readonly Column[] }
  }
  matching: { ask: { file: string; scope: Scope; range: RidRange }; answer: Float64Array }
  fetch: {
    ask: { file: string; rids: Float64Array; fields: readonly FieldRef[] }
    answer: { alive: Uint8Array; columns: readonly Column[] }
  }
  readVectors: {
    ask: { file: string; vector: FieldRef; scalars: readonly FieldRef[]; range: RidRange }
    answer: { rids: Float64Array; vectors: Float32Array; scalars: readonly Column[] }
  }
  deadRids: { ask: { file: string; after: number; upTo: number }; answer: Float64Array }
  close: { ask: { file: string }; answer: null }
}

/** A call table: the shape that `WriterCalls` and `ReaderCalls` have. */
export type CallTable<T> = { readonly [K in keyof T]: { readonly ask: unknown; readonly answer: unknown } }

export type Request<T extends CallTable<T>> = {
  [K in keyof T]: { readonly id: number; readonly call: K; readonly ask: T[K]['ask'] }
}[keyof T]

export type Reply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly error: WireError }

/** What a thread posts: the replies of one transaction or of one read, and how long the commit took. */
export interface Replies {
  readonly replies: readonly Reply[]
  /** null = nothing was committed. */
  readonly commitMs: number | null
}
