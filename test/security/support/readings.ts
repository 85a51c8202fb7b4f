/** Figures of a running server, from its metrics, and of measured times. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Served } from '../../support/server.ts'

/** All samples of one metric, by their labels as written; empty where there are none. */
export async function samples(served: Served, metric: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
  const found = new Map<string, number>()
  for (const [, labels, value] of text.matchAll(new RegExp(`^${metric}(\\{[^}]*\\})? (\\S+)$`, 'gm')))
    found.set(labels ?? '', Number(value))
  return found
}

/** The sum of a metric over the labels that match. */
export async function reading(served: Served, metric: string, labels = /(?:)/): Promise<number> {
  let sum = 0
  for (const [written, value] of await samples(served, metric)) if (labels.test(written)) sum += value
  return sum
}

export function residentBytes(served: Served): Promise<number> {
  return reading(served, 'process_resident_memory_bytes')
}

/** What is in use of V8's heap and of the buffers that hang on it. */
export async function heldBytes(served: Served): Promise<number> {
  const parts = ['nodejs_heap_size_used_bytes', 'nodejs_external_memory_bytes'].map((name) => reading(served, name))
  return (await Promise.all(parts)).reduce((sum, bytes) => sum + bytes, 0)
}

/**
 * The reading once it is below `limit`, or the last one after `limitMs`. Looks seldom: a server gives memory back when
 * all is quiet.
 */
export async function settled(
  served: Served,
  read: (served: Served) => Promise<number>,
  limit: number,
  limitMs = 25_000,
): Promise<number> {
  const end = Date.now() + limitMs
  for (;;) {
    const bytes = await read(served)
    if (bytes < limit || Date.now() > end) return bytes
    await wait(1_000)
  }
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const megabytes = (bytes: number): string => `${Math.round(bytes / (1 << 20))} MB`
export const ms = (value: number): string => `${Math.round(value)} ms`
