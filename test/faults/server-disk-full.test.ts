/** The whole server on a file system that fills up: a clear error, nothing lost, reads go on, and then writes too. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { DataType, type ResStatus } from '@zilliz/milvus2-sdk-node'
import { nodeClient } from '../support/clients.ts'
import { KnownRows } from '../support/known-rows.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { createRowsCollection, searchAgrees, storedRows, writeWithoutPause } from '../support/writing-clients.ts'

const PLAIN = { kind: 'plain' } as const
const FULL = /the disk is full; free some space and try again: disk limit exceeded/

/** A file system of 40 MB in memory, more than a log that was not yet emptied; null and a skipped test where it cannot be had. */
function smallDisk(t: TestContext, path: string): Disposable | null {
  mkdirSync(path)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', path])
  if (mounted.status !== 0) {
    t.skip('mounting a small tmpfs needs Linux and root')
    return null
  }
  return { [Symbol.dispose]: () => spawnSync('umount', ['-l', path]) }
}

it('says so with code 7, loses nothing acknowledged, serves reads, and writes again when there is room', async (t) => {
  using place = temporary()
  const path = join(place.path, 'disk')
  using disk = smallDisk(t, path)
  if (!disk) return
  const known = new KnownRows(0, 4_000)
  const healthz = async () => (await fetch(`${served.ready.metrics}/healthz`)).status
  await using served = await startRedkite({ data: join(path, 'data') })
  const client = nodeClient(served.port, PLAIN)
  await createRowsCollection(client, 'full')
  await writeWithoutPause(client, 'full', known, () => known.acknowledged.size > 500)
  assert.equal(await healthz(), 200)

  const ballast = join(path, 'ballast')
  fill(ballast)
  const seen: string[] = []
  const isFull = () => seen.length >= 3
  while (!isFull()) {
    const { refusals } = await writeOnce(client, known)
    seen.push(...refusals)
  }
  for (const text of seen) assert.match(text, FULL)
  const refused = await client.insert({ collection_name: 'full', data: [big(9_000)] })
  assert.equal(refused.status.code, 7)
  assert.match(refused.status.reason, FULL)
  // this SDK throws the status of a collection that could not be made
  const made = await client
    .createCollection({
      collection_name: 'another',
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vector', data_type: DataType.FloatVector, dim: 4 },
      ],
    })
    .catch((status: unknown) => status as ResStatus)
  assert.notEqual(made.error_code, 'Success')
  assert.match(made.reason, /the disk is full/)
  assert.doesNotMatch(made.reason, new RegExp(path), 'paths are for the operator')
  assert.equal(await healthz(), 500)

  known.settle(await storedRows(client, 'full', known))
  await searchAgrees(client, 'full', known.acknowledged, 10, 1)

  rmSync(ballast)
  await writeWithoutPause(client, 'full', known, () => known.acknowledged.size > 700)
  assert.ok(known.acknowledged.size > 700, 'writes are taken again')
  assert.equal(await healthz(), 200)
  await client.closeConnection()
  assert.equal(await served.stop(), 0)

  await using again = await startRedkite({ data: join(path, 'data') })
  const second = nodeClient(again.port, PLAIN)
  known.settle(await storedRows(second, 'full', known))
  await searchAgrees(second, 'full', known.acknowledged, 10, 1)
  await second.closeConnection()
})

function writeOnce(client: ReturnType<typeof nodeClient>, known: KnownRows) {
  let changes = 0
  return writeWithoutPause(client, 'full', known, () => ++changes > 1)
}

/** Takes what is free, to the last page. */
function fill(file: string): void {
  for (const size of [1 << 20, 1 << 12]) {
    const block = Buffer.alloc(size)
    try {
      for (;;) writeFileSync(file, block, { flag: 'a' })
    } catch {
      // full
    }
  }
}

function big(id: number) {
  return { id, version: 0, name: 'x'.repeat(100), note: { text: 'x'.repeat(60_000) }, vector: new Array(8).fill(1) }
}
