/** The data of a run by its short name, whole or its first rows. */
import { type Dataset, datasets } from '../datasets.ts'
import { UsageError } from './usage-error.ts'

export const dataNames = ['fashion', 'glove'] as const
export type DataName = (typeof dataNames)[number]

/** `rows` null = all of them. */
export async function loadData(name: DataName, rows: number | null): Promise<Dataset> {
  const data = await (name === 'fashion' ? datasets['fashion-mnist']() : datasets.words())
  const rowCount = Math.min(rows ?? data.rowCount, data.rowCount)
  return { ...data, rowCount, vectors: data.vectors.subarray(0, rowCount * data.dim) }
}

export function parseDataName(text: string): DataName {
  const name = dataNames.find((known) => known === text)
  if (!name) throw new UsageError(`--data ${text}: there is ${dataNames.join(' and ')}`)
  return name
}

/**
 * What a query's filter asks for: the label it has itself (its neighbours mostly pass), or another one (a tenth of the
 * rows, mostly far away: the hardest case for a graph search).
 */
export const filters = ['none', 'own', 'other'] as const
export type Filter = (typeof filters)[number]

export function filterLabel(data: Dataset, query: number, filter: 'own' | 'other'): number {
  const own = data.queryLabels?.[query] ?? query % 10
  return filter === 'own' ? own : (own + 5) % 10
}

export const filterText = (data: Dataset, query: number, filter: Filter): string =>
  filter === 'none' ? '' : `label == ${filterLabel(data, query, filter)}`
