import type { Metrics } from '../observe/metrics.ts'

export type Outcome = 'success' | 'fail' | 'cancel'

/** The counters of one RPC (or REST path) on one protocol. */
export interface CallStats {
  /** RPC name, or the path of a REST route. */
  readonly name: string
  /** @param milliseconds from the last byte in to the first byte out */
  record(outcome: Outcome, milliseconds: number, receivedBytes: number, sentBytes: number): void
}

/** Makes the counters of one name under the labels that Milvus' dashboard reads (`total` counts every call). */
export function callStats(metrics: Metrics, name: string, protocol: 'grpc' | 'rest'): CallStats {
  const of = (status: string) => metrics.requests.labels({ function_name: name, status, protocol })
  const total = of('total')
  const byOutcome = { success: of('success'), fail: of('fail'), cancel: of('cancel') }
  const latency = metrics.requestLatency.labels({ function_name: name })
  const received = metrics.receivedBytes.labels({ function_name: name })
  const sent = metrics.sentBytes.labels({ function_name: name })
  return {
    name,
    record(outcome, milliseconds, receivedBytes, sentBytes) {
      total.inc()
      byOutcome[outcome].inc()
      latency.observe(milliseconds)
      received.inc(receivedBytes)
      sent.inc(sentBytes)
    },
  }
}
