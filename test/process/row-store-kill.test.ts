/** kill -9 of a process that writes: every acknowledged change is there, none half. REDKITE_KILL_ROUNDS repeats it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
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
import { applyToModel, KEYS_PER_WRITER, type ScriptedChange, WRITERS } from '../support/row-store-script.ts'

const ROUNDS = Number(process.env['REDKITE_KILL_ROUNDS'] ?? 4)
const script = fileURLToPath(new URL('../support/row-store-writer.ts', import.meta.url))

type Model = Map<bigint, bigint>
/** What one writer's rows must be: as acknowledged, or with the change that was in flight, whole. */
interface Expected {
  acknowledged: Model
  inFlight: ScriptedChange | null
}

function follow(expected: readonly Expected[], line: string): boolean {
  const [, word, writer, change] = /^(try|ack) (\d+) ?(.*)$/.exec(line) ?? []
  const state = expected[Number(writer)]
  if (!state) return false
  if (word === 'try') {
    if (change?.endsWith('}')) state.inFlight = JSON.parse(change)
    return false
  }
  if (state.inFlight) state.acknowledged = applyToModel(state.acknowledged, state.inFlight)
  state.inFlight = null
  return true
}

/** Runs the writer on the directory and kills it after about `acks` acknowledgements. */
async function writeUntilKilled(directory: string, seed: number, acks: number, expected: Expected[]): Promise<number> {
  const child = spawn(process.execPath, [script, directory, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (follow(expected, line)) seen += 1
    if (seen === acks) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL', 'the writer went on until it was killed')
  return seen
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
      const acks = 1 + Math.floor(Math.random() * 1500)
      const seen = await writeUntilKilled(directory.path, round, acks, expected)
      assert.ok(seen >= acks)
      await using pool = openPool()
      const store = await pool.open(directory.path, { fields: sampleFields })
      settle(expected, await storedModels(store))
      assert.ok(store.lastRid >= lastRid, 'row ids go on')
      lastRid = store.lastRid
    }
  })
})
