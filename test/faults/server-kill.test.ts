/** kill -9 of the whole server under real clients: what was acknowledged is there, and search and query agree. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { KnownRows } from '../support/known-rows.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import {
  countRows,
  createRowsCollection,
  searchAgrees,
  storedRows,
  writeWithoutPause,
} from '../support/writing-clients.ts'

/** REDKITE_KILL_ROUNDS repeats it more often. */
const ROUNDS = Number(process.env['REDKITE_KILL_ROUNDS'] ?? 3)
const CLIENTS = 4
const KEYS_PER_CLIENT = 1_000
const COLLECTION = 'killed'
const PLAIN = { kind: 'plain' } as const
const SEARCHES = 30

const newClients = () => Array.from({ length: CLIENTS }, (_, i) => new KnownRows(i * KEYS_PER_CLIENT, KEYS_PER_CLIENT))

/** All clients write at once; the server is killed after about `acks` acknowledgements. */
async function writeUntilKilled(served: Served, known: readonly KnownRows[], acks: number): Promise<void> {
  let [done, over] = [0, false]
  const killed = Promise.withResolvers<void>()
  const onAcknowledged = () => {
    done += 1
    if (done !== acks) return
    over = true
    served.kill('SIGKILL').then(killed.resolve, killed.reject)
  }
  const writing = known.map(async (rows) => {
    const client = nodeClient(served.port, PLAIN)
    try {
      return await writeWithoutPause(client, COLLECTION, rows, () => over, onAcknowledged)
    } finally {
      await client.closeConnection()
    }
  })
  const results = await Promise.all(writing)
  assert.deepEqual(
    results.flatMap(({ refusals }) => refusals),
    [],
  )
  await killed.promise
}

async function checkStored(served: Served, known: readonly KnownRows[], recallMin: number): Promise<void> {
  const client = nodeClient(served.port, PLAIN)
  try {
    for (const rows of known) rows.settle(await storedRows(client, COLLECTION, rows))
    const all = new Map(known.flatMap((rows) => [...rows.acknowledged]))
    assert.equal(await countRows(client, COLLECTION), all.size)
    await searchAgrees(client, COLLECTION, all, SEARCHES, recallMin)
  } finally {
    await client.closeConnection()
  }
}

describe('the server under kill -9', () => {
  it(`keeps all that was acknowledged, ${ROUNDS} times on one directory`, async () => {
    using place = temporary()
    const known = newClients()
    for (let round = 0; round < ROUNDS; round++) {
      await using served = await startRedkite({ data: place.path })
      if (round === 0) await withClient(served, (client) => createRowsCollection(client, COLLECTION))
      else await checkStored(served, known, 1)
      await writeUntilKilled(served, known, 1 + Math.floor(Math.random() * 300))
    }
    await using served = await startRedkite({ data: place.path })
    await checkStored(served, known, 1)
    assert.equal(await served.stop(), 0)
  })

  it(`also while segments are built, with damage done to them in between, ${ROUNDS} times`, async (t) => {
    using place = temporary()
    const known = newClients()
    const options = { data: place.path, args: ['--set', 'redkite.engine.sealRows=200'] }
    let [damaged, truncated] = [0, 0]
    for (let round = 0; round <= ROUNDS; round++) {
      await using served = await startRedkite(options)
      if (round === 0) await withClient(served, (client) => createRowsCollection(client, COLLECTION))
      else await checkStored(served, known, 0.95)
      if (truncated > 0)
        await served.logged(/segment cannot be used, its rows are searched exactly until it is rebuilt/)
      if (round === ROUNDS) {
        await rebuilt(served)
        await checkStored(served, known, 0.95)
        assert.equal(await served.stop(), 0)
        break
      }
      // in every other round, so that there is something to damage
      if (round % 2 === 0) await writeUntilSealed(served, known, place.path)
      await writeUntilKilled(served, known, 1 + Math.floor(Math.random() * 200))
      const harm = damage(place.path, round)
      damaged += harm.folders
      truncated = harm.truncated
    }
    t.diagnostic(`${damaged} segments damaged`)
    assert.ok(damaged > 0 || segments(place.path).length === 0, 'segments were there to be damaged')
  })
})

async function withClient(served: Served, work: (client: ReturnType<typeof nodeClient>) => Promise<void>) {
  const client = nodeClient(served.port, PLAIN)
  try {
    await work(client)
  } finally {
    await client.closeConnection()
  }
}

async function writeUntilSealed(served: Served, known: readonly KnownRows[], data: string): Promise<void> {
  const [rows] = known
  assert.ok(rows)
  await withClient(served, async (client) => {
    await writeWithoutPause(client, COLLECTION, rows, () => rows.acknowledged.size > 600)
  })
  // building waits for a pause in the writing
  await eventually(() => segments(data).length > 0, 30_000)
  assert.ok(segments(data).length > 0, 'a segment was sealed')
}

/** Folders of finished segments. */
function segments(data: string): string[] {
  const collections = join(data, 'collections')
  return readdirSync(collections, { recursive: true, encoding: 'utf8' })
    .filter((path) => /segment-\d+$/.test(path) && existsSync(join(collections, path, 'segment.json')))
    .map((path) => join(collections, path))
}

/** Deletes a segment, or cuts a file of it short, in turn. */
function damage(data: string, round: number): { readonly folders: number; readonly truncated: number } {
  const folders = segments(data)
  let truncated = 0
  for (const [i, folder] of folders.entries()) {
    if ((round + i) % 2 === 1) {
      rmSync(folder, { recursive: true })
      continue
    }
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => !path.endsWith('segment.json') && statSync(path).isFile() && statSync(path).size > 0)
    const file = files[Math.floor(Math.random() * files.length)]
    assert.ok(file)
    truncateSync(file, Math.floor(statSync(file).size / 2))
    truncated += 1
  }
  return { folders: folders.length, truncated }
}

/** Waits until no row waits for a segment any more. */
async function rebuilt(served: Served): Promise<void> {
  await withClient(served, (client) =>
    eventually(async () => {
      const { index_descriptions: indexes } = await client.describeIndex({ collection_name: COLLECTION })
      return indexes[0]?.state === 'Finished'
    }, 30_000),
  )
}
