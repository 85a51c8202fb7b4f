/** The data of a run by its short name, whole or its first rows. */
import { type Dataset, datasets } from '../datasets.ts'

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
  if (!name) throw new Error(`--data ${text}: there is ${dataNames.join(' and ')}`)
  return name
}

/** The label that a query's filter asks for: each tenth of the rows in turn, whatever the query shows. */
export const filterLabel = (query: number): number => query % 10
export const labelFilter = (query: number): string => `label == ${filterLabel(query)}`
