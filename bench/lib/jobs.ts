/** What the load process can be asked: plain data both ways. */
import type { DataName, Filter } from './data.ts'
import type { PeerTarget, Selection } from './peer-api.ts'
import type { Target } from './rpc.ts'

/** The raw client sends messages encoded beforehand; the SDK encodes rows and decodes hits as its users pay for it. */
export type Client = 'raw' | 'sdk'

interface Common {
  readonly target: Target
  readonly client: Client
  readonly inFlight: number
  readonly collection: string
}

export type Job =
  | { readonly kind: 'data'; readonly data: DataName; readonly rows: number | null }
  | (Common & {
      readonly kind: 'search'
      readonly seconds: number
      readonly filter: Filter
    })
  | (Common & { readonly kind: 'insert'; readonly from: number; readonly to: number; readonly batch: number })
  | {
      readonly kind: 'handshakes'
      readonly target: Target
      readonly seconds: number
      readonly parallel: number
      readonly resume: boolean
    }
  | {
      readonly kind: 'peerInsert'
      readonly target: PeerTarget
      readonly inFlight: number
      readonly batch: number
      /** Row numbers; the end of the time ends it too. */
      readonly from: number
      readonly to: number
      readonly seconds: number
    }
  | {
      readonly kind: 'peerSearch'
      readonly target: PeerTarget
      readonly inFlight: number
      readonly seconds: number
      readonly selection: Selection
      readonly consistency: 'Strong' | 'Bounded'
    }

/** Latencies in milliseconds; `cpuSeconds` is the load process' own. */
export interface Load {
  readonly calls: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly bytes: number
  readonly cpuSeconds: number
}

export type Answer =
  | { readonly kind: 'done'; readonly load: Load }
  | { readonly kind: 'failed'; readonly reason: string }
