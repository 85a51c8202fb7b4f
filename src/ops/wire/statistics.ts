import type { Pair } from './properties.ts'
import { badReply } from './status.ts'

/** `row_count` among a reply's statistics. @throws RedkiteError `serviceInternal` where it is absent or no number */
export function rowCountOf(stats: readonly Pair[]): bigint {
  const text = stats.find(({ key }) => key === 'row_count')?.value
  if (text === undefined || !/^\d{1,19}$/.test(text)) throw badReply(`row_count is ${JSON.stringify(text)}`)
  return BigInt(text)
}
