/** Backups of a server that goes on writing: each is what was acknowledged up to one moment, and answers like it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { nodeClient } from '../support/clients.ts'
import { KnownRows } from '../support/known-rows.ts'
import { redkite, type Served, startRedkite, temporary } from '../support/server.ts'
import {
  countRows,
  createRowsCollection,
  searchAgrees,
  storedRows,
  writeWithoutPause,
} from '../support/writing-clients.ts'

const PLAIN = { kind: 'plain' } as const
const COLLECTION = 'kept'
const env = { REDKITE_PASSWORD: 'Milvus' }

function backUp(served: Served, to: string) {
  return redkite(['backup', 'create', to, '--uri', `http://localhost:${served.restPort}`, '-o', 'json'], { env })
}

describe('redkite backup', () => {
  it('taken under writes is a prefix of them; verified, listed and restored, it answers the same', async () => {
    using place = temporary()
    const known = new KnownRows(0, 3_000)
    const to = join(place.path, 'backups', 'one')
    mkdirSync(join(place.path, 'backups'))
    let ids: number[] = []
    {
      await using served = await startRedkite({
        data: join(place.path, 'data'),
        args: ['--set', 'redkite.engine.sealRows=200'],
      })
      const client = nodeClient(served.port, PLAIN)
      await createRowsCollection(client, COLLECTION)
      await writeWithoutPause(client, COLLECTION, known, () => known.acknowledged.size > 300)
      // keys of its own, one after the other: what is kept of them must be an unbroken beginning
      let [next, over] = [100_000, false]
      const inOrder = async () => {
        while (!over) {
          const id = next
          const vector = new Array(8).fill(id)
          const row = { id, version: 0, name: `${id}`, note: {}, vector }
          const { status } = await client.insert({ collection_name: COLLECTION, data: [row] })
          assert.equal(status.error_code, 'Success', status.reason)
          next++
        }
      }
      const writing = inOrder()
      while (next < 100_050) await countRows(client, COLLECTION)
      const before = next
      const made = await backUp(served, to)
      const after = next
      over = true
      await writing
      assert.equal(made.exitCode, 0, made.stderr)
      const again = await backUp(served, to)
      assert.equal(again.exitCode, 1)
      assert.match(again.stderr, /exists already; name a new folder/)
      const { collections } = JSON.parse(made.stdout)
      const rows = Number(collections[0].rows) - known.acknowledged.size
      ids = Array.from({ length: rows }, (_, i) => 100_000 + i)
      assert.ok(rows >= before - 100_000 && rows <= after - 100_000 + 1, `${before} <= ${rows} <= ${after}`)
      await client.closeConnection()
    }
    const verified = await redkite(['backup', 'verify', to])
    assert.equal(verified.exitCode, 0, verified.stderr)
    assert.match((await redkite(['backup', 'list', join(place.path, 'backups')])).stdout, /^one /m)
    const restored = join(place.path, 'restored')
    assert.equal((await redkite(['backup', 'restore', to, '--data', restored])).exitCode, 0)
    const refused = await redkite(['backup', 'restore', to, '--data', restored])
    assert.equal(refused.exitCode, 73, refused.stderr)
    await using served = await startRedkite({ data: restored })
    const client = nodeClient(served.port, PLAIN)
    known.settle(await storedRows(client, COLLECTION, known))
    const found = await client.query({
      collection_name: COLLECTION,
      filter: 'id >= 100000',
      output_fields: ['id'],
      limit: 16_000,
    })
    assert.deepEqual(
      found.data.map((row) => Number(row['id'])),
      ids,
      'an unbroken beginning',
    )
    await client.delete({ collection_name: COLLECTION, filter: 'id >= 100000' })
    await searchAgrees(client, COLLECTION, known.acknowledged, 20, 0.95)
    await client.closeConnection()
  })

  it('of a stopped server; a damaged one is named by verify, and never restored', async () => {
    using place = temporary()
    const data = join(place.path, 'data')
    {
      await using served = await startRedkite({ data })
      const client = nodeClient(served.port, PLAIN)
      await createRowsCollection(client, COLLECTION)
      await writeWithoutPause(client, COLLECTION, new KnownRows(0, 500), makeCounter(5))
      const inUse = await redkite(['backup', 'create', join(place.path, 'b'), '--data', data])
      assert.equal(inUse.exitCode, 75, inUse.stderr)
      assert.match(inUse.stderr, /is in use by process/)
      await client.closeConnection()
    }
    const to = join(place.path, 'b')
    const made = await redkite(['backup', 'create', to, '--data', data])
    assert.equal(made.exitCode, 0, made.stderr)
    const [file] = readdirSync(to, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('rows.db'))
    assert.ok(file)
    const bytes = readFileSync(join(to, file))
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1
    writeFileSync(join(to, file), bytes)
    for (const args of [
      ['verify', to],
      ['restore', to, '--data', join(place.path, 'new')],
    ]) {
      const ran = await redkite(['backup', ...args])
      assert.equal(ran.exitCode, 1)
      assert.match(ran.stderr, /rows\.db: its SHA-256 is not the one in the manifest\nhint: /)
    }
    assert.ok(!existsSync(join(place.path, 'new')))
    truncateSync(join(to, 'manifest.json'), 20)
    assert.match((await redkite(['backup', 'verify', to])).stderr, /manifest\.json: not JSON: the backup is damaged/)
  })

  it('leaves nothing half on a full disk, and says so', async (t) => {
    using place = temporary()
    const disk = join(place.path, 'disk')
    mkdirSync(disk)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', disk]).status !== 0) {
      return t.skip('mounting a small tmpfs needs Linux and root')
    }
    try {
      await using served = await startRedkite()
      const client = nodeClient(served.port, PLAIN)
      await createRowsCollection(client, COLLECTION)
      await writeWithoutPause(client, COLLECTION, new KnownRows(0, 2_000), makeCounter(60))
      const full = await backUp(served, join(disk, 'one'))
      assert.equal(full.exitCode, 1)
      assert.match(full.stderr, /the disk is full; free some space/)
      assert.deepEqual(readdirSync(disk), [])
      assert.equal((await backUp(served, join(place.path, 'two'))).exitCode, 0, 'elsewhere there is room')
      await client.closeConnection()
    } finally {
      spawnSync('umount', ['-l', disk])
    }
  })
})

function makeCounter(most: number): () => boolean {
  let done = 0
  return () => ++done > most
}
