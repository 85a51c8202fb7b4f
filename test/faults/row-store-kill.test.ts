/** kill -9 of a process that writes: every acknowledged change is there, none half. REDKITE_KILL_ROUNDS repeats it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RowStore } from '../../src/embedded/store/contract.ts'
import {
  idField,
  labelField,
  openPool,
  plain,
  sampleFields,
  temporaryDirectory,
  vecField,
} from '../../src/embedded/store/test-support.ts'
import { eventually } from '../support/eventually.ts'
import { applyToModel, KEYS_PER_WRITER, type ScriptedChange, WRITERS } from '../support/row-store-script.ts'

const ROUNDS = Number(process.env['REDKITE_KILL_ROUNDS'] ?? 3)
const script = fileURLToPath(new URL('../support/row-store-writer.ts', import.meta.url))

type Model = Map<bigint, bigint>
/** What one writer's rows must be: as acknowledged, or with the change that was in flight, whole. */
interface Expected {
  acknowledged: Model
  inFlight: ScriptedChange | null
}

function follow(expected: readonly Expected[], line: string): void {
  const [, word, writer, change] = /^(try|ack) (\d+) ?(.*)$/.exec(line) ?? []
  const state = expected[Number(writer)]
  assert.ok(state, line)
  if (word === 'try') {
    state.inFlight = JSON.parse(change ?? '')
    return
  }
  if (state.inFlight) state.acknowledged = applyToModel(state.acknowledged, state.inFlight)
  state.inFlight = null
}

/** Runs the writer on the directory, kills it after about `acks` acknowledgements, and follows its journal. */
async function writeUntilKilled(directory: string, seed: number, acks: number, expected: Expected[]): Promise<void> {
  const journal = join(directory, `journal-${seed}`)
  const args = [script, join(directory, 'collection'), String(seed), journal]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  const exited = once(child, 'exit')
  const lines = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n') : [])
  await eventually(() => lines().filter((line) => line.startsWith('ack')).length >= acks, 20_000)
  child.kill('SIGKILL')
  assert.deepEqual(await exited, [null, 'SIGKILL'], 'the writer went on until it was killed')
  const complete = lines().slice(0, -1)
  for (const line of complete) follow(expected, line)
}

/** What is stored, by writer; each row must be whole. */
async function storedModels(store: RowStore): Promise<Model[]> {
  const fields = [idField, labelField, vecField, ...sampleFields.slice(3)]
  const { rowCount, columns } = await store.query({ where: null, partitions: null, limit: null, offset: 0, fields })
  const [keys, labels, vectors, meta] = columns.map(plain)
  const models = Array.from({ length: WRITERS }, (): Model => new Map())
  for (let row = 0; row < rowCount; row++) {
    const key = keys?.[row]
    const label = labels?.[row]
    assert.ok(typeof key === 'bigint' && typeof label === 'bigint')
    assert.deepEqual(vectors?.[row], Array(4).fill(Number(label)), `the vector of key ${key}`)
    assert.deepEqual(meta?.[row], { key: Number(key) })
    const model = models[Math.floor(Number(key) / KEYS_PER_WRITER)]
    assert.ok(model && !model.has(key), `key ${key} is stored once`)
    model.set(key, label)
  }
  assert.equal(rowCount, store.rowCount)
  const { rids } = await store.readVectors(vecField, [], 0, 1e15, 1e9)
  assert.equal(rids.length, rowCount, 'as many vectors as rows')
  return models
}

function settle(expected: readonly Expected[], stored: readonly Model[]): void {
  expected.forEach((state, writer) => {
    const actual = new Map([...(stored[writer] ?? [])].sort())
    const sorted = (model: Model) => new Map([...model].sort())
    const allowed = [state.acknowledged, ...(state.inFlight ? [applyToModel(state.acknowledged, state.inFlight)] : [])]
    const match = allowed.find((model) => {
      const wanted = sorted(model)
      return wanted.size === actual.size && [...wanted].every(([key, value]) => actual.get(key) === value)
    })
    assert.ok(match, `writer ${writer}: neither what was acknowledged nor that and ${JSON.stringify(state.inFlight)}`)
    state.acknowledged = match
    state.inFlight = null
  })
}

describe('row store under kill -9', () => {
  it(`keeps all that was acknowledged, ${ROUNDS} times on one directory`, async () => {
    using directory = temporaryDirectory()
    const expected = Array.from({ length: WRITERS }, (): Expected => ({ acknowledged: new Map(), inFlight: null }))
    let lastRid = 0
    for (let round = 0; round < ROUNDS; round++) {
      await writeUntilKilled(directory.path, round, 1 + Math.floor(Math.random() * 1500), expected)
      await using pool = openPool()
      const store = await pool.open(join(directory.path, 'collection'), { fields: sampleFields })
      settle(expected, await storedModels(store))
      assert.ok(store.lastRid >= lastRid, 'row ids go on')
      lastRid = store.lastRid
    }
  })
})
