/**
 * Writes to a row store until it is killed: `node row-store-writer.ts DIRECTORY SEED JOURNAL`. Each of several writers
 * owns a range of keys and does one change at a time; it notes `try <writer> <change>` before and `ack <writer>` after
 * each, one line of the journal written at once, so that whoever reads the journal knows what must be stored.
 */
import { openSync, writeSync } from 'node:fs'
import type { RowStore } from '../../src/embedded/store/contract.ts'
import { longs, openPool, range, sampleFields, sampleRows } from '../../src/embedded/store/test-support.ts'
import { randomNumbers } from './random-numbers.ts'
import { KEYS_PER_WRITER, type ScriptedChange, WRITERS } from './row-store-script.ts'

const [directory, seed, journal] = process.argv.slice(2)
if (!directory || !seed || !journal) throw new Error('usage: row-store-writer.ts DIRECTORY SEED JOURNAL')
const notes = openSync(journal, 'a')

async function apply(store: RowStore, { kind, from, count, value }: ScriptedChange): Promise<void> {
  const keys = range(from, count)
  const rows = sampleRows(keys, () => value)
  if (kind === 'upsert') await store.write({ kind, replaces: longs(keys), rows })
  else if (kind === 'deletePks') await store.write({ kind, pks: longs(keys), partitions: null })
  else {
    const where = { sql: 'pk >= ? AND pk < ?', params: [from, from + count] }
    await store.write({ kind: 'deleteWhere', where, partitions: [1] })
  }
}

const pool = openPool()
const store = await pool.open(directory, { fields: sampleFields })
await Promise.all(
  range(0, WRITERS).map(async (writer) => {
    const below = randomNumbers(Number(seed) * WRITERS + writer)
    for (let value = 1; ; value++) {
      const count = 1 + below(below(4) === 0 ? 200 : 5)
      const from = writer * KEYS_PER_WRITER + below(KEYS_PER_WRITER - count)
      const kind = (['upsert', 'upsert', 'upsert', 'deletePks', 'deleteWhere'] as const)[below(5)] ?? 'upsert'
      const change: ScriptedChange = { kind, from, count, value }
      writeSync(notes, `try ${writer} ${JSON.stringify(change)}\n`)
      await apply(store, change)
      writeSync(notes, `ack ${writer}\n`)
    }
  }),
)
