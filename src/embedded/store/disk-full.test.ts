import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { StartError } from '../../errors/start-error.ts'
import { labels, openPool, range, sampleFields, sampleRows, temporaryDirectory } from './test-support.ts'

/** A file system of 4 MB in memory: Linux and root only. */
function smallDisk(t: TestContext, directory: string): (Disposable & { readonly path: string }) | null {
  const path = join(directory, 'disk')
  mkdirSync(path)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path])
  if (mounted.status !== 0) {
    t.skip('mounting a small tmpfs needs Linux and root')
    return null
  }
  return { path, [Symbol.dispose]: () => spawnSync('umount', ['-l', path]) }
}

const layout = { fields: sampleFields }
const insert = (keys: readonly number[]) => ({ kind: 'insert', rows: sampleRows(keys) }) as const

describe('row store on a full disk', () => {
  it('says so, loses nothing acknowledged, and writes again when there is room', async (t) => {
    using directory = temporaryDirectory()
    using disk = smallDisk(t, directory.path)
    if (!disk) return
    const acknowledged = new Set<bigint>()
    const path = join(disk.path, 'collection')
    {
      await using pool = openPool()
      const store = await pool.open(path, layout)
      const ballast = join(disk.path, 'ballast')
      writeFileSync(ballast, Buffer.alloc(1 << 20))
      const errors: unknown[] = []
      for (let round = 0; errors.length === 0 && round < 1000; round++) {
        const from = round * 100
        // Several in flight: one transaction, of which a part may still fit.
        const writes = range(0, 4).map(async (i) => {
          const keys = range(from + i * 25, 25)
          try {
            await store.write(insert(keys))
            for (const key of keys) acknowledged.add(BigInt(key))
          } catch (error) {
            errors.push(error)
          }
        })
        await Promise.all(writes)
      }
      assert.ok(errors.length > 0, 'the disk filled up')
      for (const error of errors) {
        assert.ok(error instanceof Error && 'kind' in error)
        assert.equal(error.kind, 'diskLimit')
        assert.match(error.message, /the disk is full; free some space and try again: disk limit exceeded$/)
      }
      assert.deepEqual(new Set((await labels(store)).keys()), acknowledged, 'readable while the disk is full')
      assert.equal(store.rowCount, acknowledged.size)
      rmSync(ballast)
      assert.ok(!existsSync(ballast))
      await store.write(insert([1_000_000]))
      acknowledged.add(1_000_000n)
    }
    await using pool = openPool()
    const store = await pool.open(path, layout)
    assert.deepEqual(new Set((await labels(store)).keys()), acknowledged, 'the same after a restart')
  })

  it('refuses a read-only disk by name', async (t) => {
    using directory = temporaryDirectory()
    using disk = smallDisk(t, directory.path)
    if (!disk) return
    await using pool = openPool()
    const written = await pool.open(join(disk.path, 'collection'), layout)
    await written[Symbol.asyncDispose]()
    assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk.path]).status, 0)
    for (const name of ['collection', 'new']) {
      await assert.rejects(pool.open(join(disk.path, name), layout), (error) => {
        assert.ok(error instanceof StartError)
        assert.match(error.message, new RegExp(`${name}.rows\\.db: cannot be written`))
        assert.equal(error.exitCode, 77)
        return true
      })
    }
  })
})
