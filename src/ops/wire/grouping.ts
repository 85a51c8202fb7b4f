import { fault } from '../../errors/error.ts'
import type { Grouping, GroupScorer } from '../../model/search-calls.ts'
import type { Pair } from './properties.ts'

const SIZE_MAX = 10
const SCORERS: readonly GroupScorer[] = ['max', 'sum', 'avg']

/**
 * `group_by_field`, `group_size` and `strict_group_size`; null without a field. What the field is, the service knows.
 * @throws RedkiteError `invalidParameter` with Milvus' texts
 */
export function groupingOf(take: (key: string) => string): Grouping | null {
  const [field, sizeText, strictText] = [take('group_by_field'), take('group_size'), take('strict_group_size')]
  if (field === '') return null
  return { field, size: sizeOf(sizeText), strict: strictOf(strictText) }
}

/** The mirror of `groupingOf`. */
export function groupingPairs(grouping: Grouping | null): Pair[] {
  if (grouping === null) return []
  return [
    { key: 'group_by_field', value: grouping.field },
    { key: 'group_size', value: String(grouping.size) },
    { key: 'strict_group_size', value: String(grouping.strict) },
  ]
}

/** `rank_group_scorer` of a hybrid search. @throws RedkiteError `invalidParameter` */
export function scorerOf(text: string): GroupScorer {
  if (text === '') return 'max'
  const scorer = SCORERS.find((name) => name === text.toLowerCase())
  if (!scorer) {
    throw fault('invalidParameter', `input group scorer type: ${text} is not supported; use ${SCORERS.join(', ')}`)
  }
  return scorer
}

function sizeOf(text: string): number {
  if (text === '') return 1
  if (!/^[+-]?\d{1,15}$/.test(text)) throw fault('invalidParameter', `failed to parse input group size:${text}`)
  const size = Number(text)
  if (size <= 0) {
    throw fault('invalidParameter', `input group size:${size} is negative, failed to do search_groupby`)
  }
  if (size > SIZE_MAX) {
    throw fault('invalidParameter', `input group size:${size} exceeds configured max group size:${SIZE_MAX}`)
  }
  return size
}

function strictOf(text: string): boolean {
  if (/^(|0|f|F|FALSE|false|False)$/.test(text)) return false
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true
  throw fault('invalidParameter', `strict_group_size [${text}] is invalid, should be true or false`)
}
