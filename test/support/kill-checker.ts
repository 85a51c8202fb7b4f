/**
 * The checker, a process of its own: told a port, it reads what the journal holds by now and compares what the server
 * answers. Answers with null, or with what is wrong. `node kill-checker.ts JOURNAL CLIENTS`.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { nodeClient } from './clients.ts'
import { KEYS_PER_CLIENT, mainCollection, unitName } from './kill-clients.ts'
import { type Line, type Step, UNIT_ROWS, unitKey } from './kill-journal.ts'
import { KnownRows } from './known-rows.ts'
import { searchAgrees, storedRows } from './writing-clients.ts'

const [journal = '', clients = '0'] = process.argv.slice(2)
const known = Array.from({ length: Number(clients) }, (_, i) => new KnownRows(i * KEYS_PER_CLIENT, KEYS_PER_CLIENT))
const units = new Map<string, { kind: Step['kind']; unit: number; state: UnitState; asked: Step['step'] | null }>()
type UnitState = 'absent' | 'empty' | 'filled'
let read = 0

function follow(line: Line): void {
  if (line.writer === 'churn') {
    if ('asked' in line) {
      const { kind, unit, step } = line.asked
      const name = unitName(kind, unit)
      units.set(name, { kind, unit, state: units.get(name)?.state ?? 'absent', asked: step })
    } else {
      for (const one of units.values()) {
        if (one.asked !== null) one.state = after(one.asked)
        one.asked = null
      }
    }
    return
  }
  const rows = known[line.writer]
  if ('asked' in line && 'keys' in line.asked) rows?.sending(line.asked)
  else rows?.answered()
}

function after(step: Step['step']): UnitState {
  return step === 'create' ? 'empty' : step === 'fill' ? 'filled' : 'absent'
}

async function stateOf(client: MilvusClient, kind: Step['kind'], unit: number): Promise<UnitState> {
  const name = unitName(kind, unit)
  const collection_name = kind === 'collection' ? name : mainCollection(0)
  const has =
    kind === 'collection'
      ? await client.hasCollection({ collection_name })
      : await client.hasPartition({ collection_name, partition_name: name })
  assert.equal(has.status.error_code, 'Success', has.status.reason)
  const first = unitKey(unit)
  if (has.value !== true && kind === 'collection') return 'absent'
  if (kind === 'collection') await client.loadCollection({ collection_name })
  const found = await client.query({
    collection_name,
    filter: `id >= ${first} and id < ${first + 100}`,
    output_fields: ['id', 'version', 'vector'],
    limit: 1000,
  })
  assert.equal(found.status.error_code, 'Success', found.status.reason)
  if (has.value !== true) {
    assert.equal(found.data.length, 0, `rows of partition ${name}, which is gone`)
    return 'absent'
  }
  assert.ok([0, UNIT_ROWS].includes(found.data.length), `${name} holds ${found.data.length} rows`)
  return found.data.length === 0 ? 'empty' : 'filled'
}

/** Making takes three calls: the kill may have come between them. */
async function isMade(client: MilvusClient, collection_name: string): Promise<boolean> {
  if ((await client.hasCollection({ collection_name })).value !== true) return false
  const { index_descriptions: indexes } = await client.describeIndex({ collection_name })
  return (indexes ?? []).length > 0
}

async function check(port: number): Promise<void> {
  const lines = readFileSync(journal, 'utf8').split('\n')
  for (const line of lines.slice(read, -1)) follow(JSON.parse(line))
  read = lines.length - 1
  const client = nodeClient(port, { kind: 'plain' })
  try {
    for (const [name, one] of units) {
      const allowed = [one.state, ...(one.asked === null ? [] : [after(one.asked)])]
      if (one.asked === 'create' && one.kind === 'collection' && !(await isMade(client, name))) {
        units.delete(name)
        continue
      }
      const found = await stateOf(client, one.kind, one.unit)
      // a partition's rows go before its name does
      const partly = one.kind === 'partition' && one.asked === 'drop' && found === 'empty'
      assert.ok(allowed.includes(found) || partly, `${name} is ${found}, not ${allowed.join(' or ')}`)
      one.state = found
      one.asked = null
      if (found === 'absent') units.delete(name)
    }
    for (const [i, rows] of known.entries()) {
      rows.settle(await storedRows(client, mainCollection(i), rows))
      const all = new Map(rows.acknowledged)
      if (i > 0) await searchAgrees(client, mainCollection(i), all, 3, 0.9)
    }
  } finally {
    await client.closeConnection()
  }
}

process.on('message', (port: number) => {
  check(port).then(
    () => process.send?.(null),
    (error: unknown) => process.send?.(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  )
})
process.on('disconnect', () => process.kill(process.pid))
