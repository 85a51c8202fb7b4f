/** The main job's figures beside their targets. */
import type { JobFigures } from '../main-job.ts'
import { type Cell, median, type Row, short } from './report.ts'

interface Line {
  readonly what: string
  readonly value: number | null
  readonly unit: string
  readonly target?: { readonly least: number } | { readonly most: number }
}

/** Rows to print, and how many targets are missed. What was not measured misses none. */
export function jobTable(figures: JobFigures): { readonly rows: readonly Row[]; readonly missed: number } {
  const lines = linesOf(figures)
  const judged = lines.map((line) => ({ ...line, verdict: verdictOf(line) }))
  const rows = judged.map(({ what, value, unit, target, verdict }) => {
    const asked = target === undefined ? '' : 'least' in target ? `>= ${target.least}` : `<= ${target.most}`
    return { what, figure: `${digits(value, unit)} ${unit}`.trim(), target: asked, verdict }
  })
  return { rows, missed: judged.filter(({ verdict }) => verdict === 'MISSED').length }
}

function verdictOf({ value, target }: Line): string {
  if (target === undefined || value === null) return ''
  const isReached = 'least' in target ? value >= target.least : value <= target.most
  return isReached ? 'reached' : 'MISSED'
}

function digits(value: number | null, unit: string): Cell {
  if (value === null) return '-'
  return unit === '' ? value.toFixed(4) : short(value)
}

function linesOf(figures: JobFigures): readonly Line[] {
  const { qps } = figures
  const ratios = (over: readonly number[], engine: readonly number[]) =>
    median(over.map((value, i) => value / (engine[i] ?? Number.NaN)))
  const recall = (what: string, value: number | undefined): Line => ({
    ...{ what: `recall@10, ${what}`, value: value ?? null, unit: '', target: { least: 0.99 } },
  })
  return [
    recall('unfiltered', figures.before.unfiltered),
    recall('filter on the label', figures.before.filtered),
    recall('unfiltered, after the restart', figures.after.unfiltered),
    recall('filter on the label, after the restart', figures.after.filtered),
    recall('pymilvus, unfiltered', figures.pymilvusBefore?.unfiltered),
    recall('pymilvus, filter on the label', figures.pymilvusBefore?.filtered),
    recall('pymilvus, unfiltered, after the restart', figures.pymilvusAfter?.unfiltered),
    recall('pymilvus, filter on the label, after the restart', figures.pymilvusAfter?.filtered),
    { what: 'search over mutual TLS, 16 in flight', value: median(qps.server16), unit: 'QPS' },
    { what: 'engine in-process, 16 in flight', value: median(qps.engine16), unit: 'QPS' },
    {
      ...{ what: 'ratio, 16 in flight', value: ratios(qps.server16, qps.engine16), unit: 'x' },
      target: { least: 0.5 },
    },
    { what: 'search over mutual TLS, 1 in flight', value: median(qps.server1), unit: 'QPS' },
    { what: 'engine in-process, 1 in flight', value: median(qps.engine1), unit: 'QPS' },
    { what: 'ratio, 1 in flight', value: ratios(qps.server1, qps.engine1), unit: 'x' },
    { what: 'filtered search, 16 in flight', value: median(qps.filtered16), unit: 'QPS' },
    { what: 'filtered search, 1 in flight', value: median(qps.filtered1), unit: 'QPS' },
    { what: 'search with another label, 16 in flight', value: median(qps.other16), unit: 'QPS' },
    { what: 'Node SDK search, 16 in flight', value: median(qps.sdk16), unit: 'QPS' },
    { what: 'Node SDK search, 1 in flight', value: median(qps.sdk1), unit: 'QPS' },
    { what: 'CPU a search: engine in-process', value: median(qps.engineCpu16), unit: 'ms' },
    { what: 'CPU a search: server', value: median(qps.serverCpu16), unit: 'ms' },
    { what: 'CPU a search: raw client', value: median(qps.clientCpu16), unit: 'ms' },
    {
      ...{ what: 'durable insert, batches of 1,000, on the wire', value: median(figures.wireInsertMbps), unit: 'MB/s' },
      target: { least: 40 },
    },
    { what: 'Node SDK insert (vectors)', value: figures.sdkInsertMbps, unit: 'MB/s' },
    { what: 'pymilvus insert (vectors)', value: figures.pymilvusInsertMbps, unit: 'MB/s' },
    { what: 'index built after the last insert', value: figures.indexMs / 1000, unit: 's' },
    {
      ...{ what: 'start to first answered query', value: median(figures.firstAnswerMs), unit: 'ms' },
      target: { most: 1_000 },
    },
    { what: 'idle RSS after the restart', value: figures.idleRssMb, unit: 'MB', target: { most: 250 } },
    { what: 'of it anonymous', value: figures.idleAnonymousMb, unit: 'MB' },
    { what: 'idle RSS after the searches', value: figures.workedRssMb, unit: 'MB' },
  ]
}
