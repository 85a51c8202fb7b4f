/**
 * Every file of a small store, damaged one at a time: the server opens with nothing lost, or refuses and names the file
 * and the remedy. It never answers wrong rows. REDKITE_TEST_LONG=1 tries every damage on every file.
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { KnownRows } from '../support/known-rows.ts'
import { StartFailed, startRedkite, temporary } from '../support/server.ts'
import {
  countRows,
  createRowsCollection,
  searchAgrees,
  storedRows,
  writeWithoutPause,
} from '../support/writing-clients.ts'

const PLAIN = { kind: 'plain' } as const
const COLLECTION = 'damaged'
const args = ['--set', 'redkite.engine.sealRows=300']
const isLong = process.env['REDKITE_TEST_LONG'] === '1'
const SERVERS = 3

/** Ways to damage a file. */
const DAMAGES = {
  deleted: (path) => rmSync(path),
  emptied: (path) => truncateSync(path, 0),
  halved: (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
  'flipped at its start': (path) => flip(path, 0.0),
  'flipped in its middle': (path) => flip(path, 0.5),
  'flipped at its end': (path) => flip(path, 0.97),
} as const satisfies Record<string, (path: string) => void>
type Way = keyof typeof DAMAGES
const WAYS = Object.keys(DAMAGES) as Way[]

/** Eight bytes become others, at this part of the file. */
function flip(path: string, part: number): void {
  const bytes = readFileSync(path)
  const from = Math.max(0, Math.min(bytes.length - 8, Math.floor(bytes.length * part) + (part === 0 ? 18 : 0)))
  for (let at = from; at < Math.min(from + 8, bytes.length); at++) bytes[at] = (bytes[at] ?? 0) ^ 0x15
  writeFileSync(path, bytes)
}

/** How the server that made a store ended: killed, so that everything is in the logs, or stopped, so that nothing is. */
type End = 'killed' | 'stopped'

/** A segment, rows behind it, and a deletion as the last change. */
async function makeStore(data: string, end: End): Promise<KnownRows> {
  const known = new KnownRows(0, 4_000)
  await using served = await startRedkite({ data, args })
  const client = nodeClient(served.port, PLAIN)
  await createRowsCollection(client, COLLECTION)
  await writeWithoutPause(client, COLLECTION, known, () => known.acknowledged.size > 500)
  await eventually(() => files(data).some((path) => path.endsWith('segment.json')), 30_000)
  await client.createAlias({ collection_name: COLLECTION, alias: 'other_name' })
  await writeWithoutPause(client, COLLECTION, known, () => known.acknowledged.size > 700)
  const last = [...known.acknowledged.keys()][0] ?? 0
  known.sending({ kind: 'delete', keys: [last], by: 'ids' })
  await client.delete({ collection_name: COLLECTION, ids: [last] })
  known.answered()
  if (end === 'killed') await served.kill('SIGKILL')
  await client.closeConnection()
  if (end === 'stopped') assert.equal(await served.stop(), 0)
  return known
}

function files(data: string): string[] {
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(data, join(entry.parentPath, entry.name)))
    .sort()
}

/** Which damages to try: all on what holds the truth, one on each other file of ours, and on some of the library's. */
function waysFor(path: string, at: number, end: End): readonly Way[] {
  if (isLong || truth(end).test(path)) return WAYS
  if (end === 'killed' && !path.endsWith('-shm')) return []
  if (/native/.test(path) && at % 8 !== 0) return []
  return WAYS.filter((_, way) => way === at % WAYS.length)
}

const truth = (end: End) => (end === 'killed' ? /(rows|catalog)\.db-wal$/ : /(rows|catalog)\.db$/)

/** Starts a server on a copy with one damaged file; what it did. */
async function tried(original: string, path: string, way: Way, known: KnownRows): Promise<'served' | 'refused'> {
  using place = temporary()
  const data = join(place.path, 'data')
  cpSync(original, data, { recursive: true })
  DAMAGES[way](join(data, path))
  try {
    await using served = await startRedkite({ data, args })
    const client = nodeClient(served.port, PLAIN)
    try {
      const rows = await storedRows(client, 'other_name', known)
      known.settle(rows)
      assert.equal(await countRows(client, COLLECTION), known.acknowledged.size)
      await searchAgrees(client, COLLECTION, known.acknowledged, 6, 0.9)
    } finally {
      await client.closeConnection()
      await served.kill('SIGKILL')
    }
    return 'served'
  } catch (error) {
    if (!(error instanceof StartFailed)) throw error
    assert.match(error.stderr, new RegExp(basename(path).replace(/-(wal|shm)$/, '')), 'the file is named')
    assert.match(error.stderr, /hint: /, 'and a remedy')
    assert.ok([74, 77, 78].includes(error.exitCode ?? 0), `exit code ${error.exitCode}`)
    return 'refused'
  }
}

async function each<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

describe('a damaged store', () => {
  for (const end of ['killed', 'stopped'] as const) {
    it(`of a server that was ${end} opens with nothing lost, or names the file and the remedy`, async (t: TestContext) => {
      using place = temporary()
      const data = join(place.path, 'data')
      const known = await makeStore(data, end)
      const cases = files(data).flatMap((path, at) => waysFor(path, at, end).map((way) => ({ path, way })))
      const refused: string[] = []
      const wrong: string[] = []
      await each(cases, SERVERS, async ({ path, way }) => {
        const name = `${path.replace(/^collections.\d+./, '')} ${way}`
        try {
          const outcome = await tried(data, path, way, known)
          if (outcome === 'refused') refused.push(name)
          if (outcome === 'served' && mustRefuse(end, path, way)) wrong.push(`${name}: served`)
          if (outcome === 'refused' && DERIVED.test(path)) wrong.push(`${name}: refused`)
        } catch (error) {
          wrong.push(`${name}: ${error instanceof Error ? error.message.slice(0, 600) : error}`)
        }
      })
      t.diagnostic(`${cases.length} cases, ${refused.length} refused: ${refused.sort().join(', ')}`)
      assert.deepEqual(wrong, [])
    })
  }
})

/** What can come from nowhere else. The later part of a log may be of an earlier round of it, and matter no more. */
function mustRefuse(end: End, path: string, way: Way): boolean {
  return truth(end).test(path) && (end === 'stopped' || !/middle|its end|halved/.test(way))
}

/** What can be made again never stops a start. */
const DERIVED = /index|\.mark$|\.sums$|-shm$|lock\./
