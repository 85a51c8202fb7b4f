import type { KeyRow } from '../../src/config/schema/row.ts'
import { keys, keyTable } from '../../src/config/schema.ts'

interface Group {
  readonly title: string
  readonly introduction: string
  has(key: string): boolean
}

const DATA = /^(proxy\.max|rootCoord\.max|quotaAndLimits\.limits\.maxCollection|common\.JSONMaxLength)/
const CALL = /^(quotaAndLimits\.limits\.|proxy\.grpc\.|redkite\.limits\.(expression|replyGzip))/
const CONNECTION = /^redkite\.limits\./

/** The first group that has a key shows it. */
const groups: readonly Group[] = [
  {
    title: 'What is stored',
    introduction: 'A call that would pass one of these is refused.',
    has: (key) => DATA.test(key),
  },
  {
    title: 'A call',
    introduction:
      'For more rows than a search or query may give there are iterators (`search_iterator`, `query_iterator`).',
    has: (key) => CALL.test(key),
  },
  {
    title: 'Connections and abuse',
    introduction: 'What one peer, and all of them together, may take before and after the login.',
    has: (key) => CONNECTION.test(key),
  },
]

const INTRODUCTION = `# Limits

<!-- Written by scripts/generate-docs.ts from src/config/schema.ts; do not edit. -->

Every limit is a key of the [configuration](../reference/configuration.md); Milvus' limits have Milvus' names and defaults. What is beyond one is
refused, not cut short. Sizes are bytes; \`-1\` and \`0\` as said.
`

/** `docs/guide/limits.md`: the limits among the keys of the table, by what they are about. */
export function renderLimits(): string {
  const limits = keys.filter((key) => keyTable[key].effect !== 'none')
  const parts = groups.map((group) => {
    const own = limits.filter((key) => groups.find(({ has }) => has(key)) === group)
    const rows = own.map((key) => row(key, keyTable[key]))
    return `## ${group.title}\n${group.introduction}\n\n| Limit | Default | Key |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${INTRODUCTION}\n${parts.join('\n')}`
}

function row(key: string, { doc, default: value }: KeyRow): string {
  return `| ${doc} | ${grouped(value)} | \`${key}\` |`
}

/** 1073741824 as 1,073,741,824. */
function grouped(value: string): string {
  if (value === '') return 'none'
  return /^\d{4,}$/.test(value) ? Number(value).toLocaleString('en-US') : value
}
