import assert from 'node:assert/strict'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { VectorEngine } from '../../src/engine/engine.ts'
import {
  compare,
  insert,
  openIndex,
  plainSearch,
  random,
  remove,
  testEngine,
  testFields,
  vectorsOf,
} from '../../src/engine/test-kit.ts'
import { MemorySource } from '../../src/engine/test-source.ts'

const ROWS = 1_200
let engine: VectorEngine
let root: string
let count = 0

before(() => {
  root = mkdtempSync(join(tmpdir(), 'redkite-recover-'))
  engine = testEngine()
})
after(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(root, { recursive: true, force: true })
})

/** A closed index with one sealed segment of ROWS rows and 300 growing ones, 50 rows of each deleted. */
async function closedIndex() {
  const next = random(count + 1)
  const directory = join(root, `index-${count++}`)
  const source = new MemorySource(8, testFields)
  const index = await openIndex(engine, source, 'L2', directory)
  insert(source, index, ROWS, next)
  await index.seal()
  insert(source, index, 300, next)
  remove(
    source,
    index,
    Array.from({ length: 50 }, (_, i) => i * 7 + 1),
  )
  remove(
    source,
    index,
    Array.from({ length: 50 }, (_, i) => ROWS + 1 + i),
  )
  await index[Symbol.asyncDispose]()
  return { source, directory, segment: join(directory, segmentIn(directory)), next }
}

function segmentIn(directory: string): string {
  const name = readdirSync(directory).find((entry) => entry.startsWith('segment-'))
  assert.ok(name)
  return name
}

function files(segment: string): string[] {
  return readdirSync(segment, { recursive: true, encoding: 'utf8' })
    .map((name) => join(segment, name))
    .filter((path) => statSync(path).isFile())
}

function largest(segment: string): string {
  const [first] = files(segment).sort((a, b) => statSync(b).size - statSync(a).size)
  assert.ok(first)
  return first
}

function named(segment: string, part: string): string {
  const path = files(segment).find((name) => name.includes(part))
  assert.ok(path, part)
  return path
}

test('an index opens with its segment, its growing rows and its deletes', async () => {
  const { source, directory, next } = await closedIndex()
  await using index = await openIndex(engine, source, 'L2', directory)
  assert.deepEqual(index.state(), {
    ...{ segments: 1, sealedRows: ROWS - 50, growingRows: 250, sealedUpTo: ROWS + 50, building: false, failure: null },
  })
  assert.equal(await compare(source, 'L2', index, { ...plainSearch(vectorsOf(5, 8, next), 5, 10), exact: true }), 1)
})

const damages: Record<string, (segment: string, source: MemorySource) => void> = {
  'a deleted folder': (segment) => rmSync(segment, { recursive: true }),
  'a deleted marker': (segment) => rmSync(join(segment, 'segment.json')),
  'a marker cut short': (segment) => truncateSync(join(segment, 'segment.json'), 40),
  'an emptied manifest (a native open would crash)': (segment) => writeFileSync(named(segment, 'manifest'), ''),
  'a truncated vector file': (segment) =>
    truncateSync(largest(segment), Math.floor(statSync(largest(segment)).size / 2)),
  'eight changed bytes of an id map (a native open would lose rows)': (segment) => {
    const path = named(segment, '.sst')
    const bytes = readFileSync(path)
    bytes.fill(0x5a, 100, 108)
    writeFileSync(path, bytes)
  },
  'one changed bit of a stored vector': (segment, source) => {
    const path = largest(segment)
    const bytes = readFileSync(path)
    const vector = source.rows[650]?.vector
    assert.ok(vector)
    const at = bytes.indexOf(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
    assert.ok(at > 0, 'the vector is in the file as it is')
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(path, bytes)
  },
  'a file too many': (segment) => writeFileSync(join(segment, 'native', 'extra'), 'x'),
}

for (const [what, damage] of Object.entries(damages)) {
  test(`${what}: exact search serves, and the segment is rebuilt`, async () => {
    const { source, directory, segment, next } = await closedIndex()
    damage(segment, source)
    await using index = await openIndex(engine, source, 'L2', directory)
    assert.equal(index.state().sealedRows, 0, 'the damaged segment is not used')
    const search = plainSearch(vectorsOf(5, 8, next), 5, 10)
    assert.equal(await compare(source, 'L2', index, search), 1)
    await index.seal()
    assert.deepEqual([index.state().sealedRows, index.state().growingRows], [ROWS + 200, 0])
    assert.ok(!existsSync(segment) || segmentIn(directory) !== segment)
    assert.equal(await compare(source, 'L2', index, { ...search, exact: true }), 1)
  })
}

test('a segment that does not belong to the row store is refused', async () => {
  const { directory, next } = await closedIndex()
  const other = new MemorySource(8, testFields)
  insert(other, null, ROWS + 300, next)
  await using index = await openIndex(engine, other, 'L2', directory)
  assert.equal(index.state().sealedRows, 0)
  assert.equal(await compare(other, 'L2', index, plainSearch(vectorsOf(5, 8, next), 5, 10)), 1)
})

test('a segment from the future of an older row store is refused', async () => {
  const { directory, next } = await closedIndex()
  const older = new MemorySource(8, testFields)
  insert(older, null, 100, random(1))
  await using index = await openIndex(engine, older, 'L2', directory)
  assert.deepEqual([index.state().sealedRows, index.state().growingRows], [0, 100])
  assert.equal(await compare(older, 'L2', index, plainSearch(vectorsOf(5, 8, next), 5, 10)), 1)
})

test('closing during a build ends at once and leaves an index that opens', async () => {
  const { source, directory, next } = await closedIndex()
  const index = await openIndex(engine, source, 'L2', directory)
  insert(source, index, 20_000, next)
  const sealing = index.seal()
  const failed = assert.rejects(sealing, /closed|ended/)
  await new Promise((resolve) => setTimeout(resolve, 150))
  const started = performance.now()
  await index[Symbol.asyncDispose]()
  assert.ok(performance.now() - started < 2_000)
  await failed
  await using again = await openIndex(engine, source, 'L2', directory)
  assert.equal(again.state().sealedRows, ROWS - 50)
  assert.equal(await compare(source, 'L2', again, { ...plainSearch(vectorsOf(2, 8, next), 2, 10), exact: true }), 1)
})
