/** What `bench peers` measures of one peer, and its targets (of Redkite against the others). */
import type { Selection } from './peer-api.ts'
import { median, percent, type Row, short, spread } from './report.ts'

/** One figure a round, by name. */
export type Rounds = Map<string, number[]>

export interface Figures {
  readonly name: string
  readonly configuration: string
  /** The width at which recall@10 is what it is; '' where the peer chooses. */
  ef: number | null
  readonly recall: Map<Selection, number>
  readonly rounds: Rounds
}

export const at = (figures: Figures | undefined, name: string): number => median(figures?.rounds.get(name) ?? [])

export function keep(figures: Figures, name: string, value: number): void {
  figures.rounds.set(name, [...(figures.rounds.get(name) ?? []), value])
}

/** A row a figure, a column a peer: median and spread, and Redkite's ratio to it. */
export function figureRows(all: readonly Figures[]): readonly Row[] {
  const [own, ...others] = all
  const names = [...new Set(all.flatMap((one) => [...one.rounds.keys()]))]
  const cell = (one: Figures, name: string) => {
    const values = one.rounds.get(name)
    if (!values) return '-'
    return values.length > 1 ? `${short(median(values))} ±${percent(spread(values))}` : `${short(median(values))}`
  }
  const recallRows = [...(own?.recall.keys() ?? [])].map((selection) => ({
    figure: `recall@10, ${selection}`,
    ...Object.fromEntries(all.map((one) => [one.name, (one.recall.get(selection) ?? Number.NaN).toFixed(3)])),
    ...Object.fromEntries(others.map((one) => [`redkite / ${one.name}`, ''])),
  }))
  const rows = names.map((figure) => ({
    figure,
    ...Object.fromEntries(all.map((one) => [one.name, cell(one, figure)])),
    ...Object.fromEntries(
      others.map((one) => [`redkite / ${one.name}`, String(short(at(own, figure) / at(one, figure)))]),
    ),
  }))
  return [...recallRows, ...rows]
}

interface Target {
  readonly what: string
  readonly value: number
  readonly least?: number
  readonly most?: number
}

/** The targets with what was reached; what was not measured (a peer is absent) misses none. */
export function targetRows(all: readonly Figures[], engineCpuMs: number): { rows: readonly Row[]; missed: number } {
  const judged = targets(all, engineCpuMs).map((target) => {
    const isReached = target.value >= (target.least ?? -Infinity) && target.value <= (target.most ?? Infinity)
    return { ...target, verdict: Number.isNaN(target.value) ? 'not measured' : isReached ? 'reached' : 'MISSED' }
  })
  const rows = judged.map(({ what, value, least, most, verdict }) => ({
    ...{ target: what, figure: String(short(value)), asked: least === undefined ? `<= ${most}` : `>= ${least}` },
    verdict,
  }))
  return { rows, missed: judged.filter(({ verdict }) => verdict === 'MISSED').length }
}

function targets(all: readonly Figures[], engineCpuMs: number): readonly Target[] {
  const peer = (name: string) => all.find((one) => one.name === name)
  const [own, milvus] = [peer('redkite'), peer('milvus 2.3.5')]
  const ratio = (figure: string, to: Figures | undefined) => at(own, figure) / at(to, figure)
  const recalls = [...(own?.recall ?? [])].filter(([selection]) => selection !== 'all')
  const unfiltered = at(own, 'p50 ms, 1 in flight')
  const slowest = Math.max(...recalls.map(([selection]) => at(own, `p50 ms, filter ${selection}`)))
  return [
    { what: 'recall@10, unfiltered', value: own?.recall.get('all') ?? Number.NaN, least: 0.99 },
    { what: 'recall@10, worst filter', value: Math.min(...recalls.map(([, value]) => value)), least: 0.99 },
    { what: 'QPS at 16 in flight / Milvus', value: ratio('QPS, 16 in flight', milvus), least: 4 },
    { what: 'QPS at 16 in flight / Chroma', value: ratio('QPS, 16 in flight', peer('chroma')), least: 6 },
    { what: 'QPS at 16 in flight / milvus-lite', value: ratio('QPS, 16 in flight', peer('milvus-lite')), least: 100 },
    {
      what: 'server CPU a search / engine in-process',
      value: at(own, 'server CPU ms a search') / engineCpuMs,
      most: 1.3,
    },
    { what: 'server CPU a search / Milvus', value: ratio('server CPU ms a search', milvus), most: 0.3 },
    { what: 'p50 Strong / Bounded', value: at(own, 'p50 ms, Strong') / at(own, 'p50 ms, 1 in flight'), most: 1.2 },
    { what: 'p50 of the slowest filter / unfiltered', value: slowest / unfiltered, most: 2 },
    { what: 'insert, batches of 1,000, MB/s', value: at(own, 'insert MB/s'), least: 100 },
    { what: 'single-row inserts a second, 16 in flight', value: at(own, 'single rows/s'), least: 4_000 },
    { what: 'restart to first answer, s', value: at(own, 'restart s'), most: 0.5 },
    { what: 'idle RSS / Milvus', value: ratio('RSS idle MB', milvus), most: 0.5 },
  ]
}
