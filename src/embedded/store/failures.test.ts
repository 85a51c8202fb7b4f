import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { StartError } from '../../errors/start-error.ts'
import { silentLog } from '../../observe/log.ts'
import { wireError } from './sqlite-error.ts'
import {
  labels,
  longs,
  openPool,
  range,
  sampleFields,
  sampleRows,
  temporaryDirectory,
  vecField,
} from './test-support.ts'

const layout = { fields: sampleFields }
const insert = (keys: readonly number[]) => ({ kind: 'insert', rows: sampleRows(keys) }) as const

/** A store with 2,000 rows, closed again. */
async function writtenStore(path: string): Promise<void> {
  await using pool = openPool()
  const store = await pool.open(path, layout)
  await store.write(insert(range(1, 2000)))
}

async function refusal(path: string): Promise<StartError> {
  await using pool = openPool()
  try {
    await pool.open(path, layout)
  } catch (error) {
    if (error instanceof StartError) return error
    throw error
  }
  throw new Error('opened')
}

describe('row store failures', () => {
  it('refuses a newer format', async () => {
    using directory = temporaryDirectory()
    await writtenStore(directory.path)
    const db = new DatabaseSync(join(directory.path, 'rows.db'))
    db.exec("UPDATE info SET value = 2 WHERE key = 'format'")
    db.close()
    const { exitCode, message, hint } = await refusal(directory.path)
    assert.equal(exitCode, 78)
    assert.match(message, /rows\.db has format 2; this Redkite reads formats up to 1/)
    assert.match(hint ?? '', /newer Redkite/)
  })

  it('names a file that is no database, and the remedy', async () => {
    using directory = temporaryDirectory()
    writeFileSync(join(directory.path, 'rows.db'), 'not a database'.repeat(1000))
    const { exitCode, message, hint } = await refusal(directory.path)
    assert.equal(exitCode, 74)
    assert.match(message, /rows\.db: the file is damaged \(file is not a database\)/)
    assert.match(hint ?? '', /backup/)
  })

  it('answers with a clear error where a page gets damaged while it is open', async () => {
    using directory = temporaryDirectory()
    await writtenStore(directory.path)
    const file = join(directory.path, 'rows.db')
    const db = new DatabaseSync(file)
    const leaves = db.prepare("SELECT pageno FROM dbstat WHERE name = 'vec_101' AND pagetype = 'leaf'").all()
    db.close()
    const logged: unknown[] = []
    const log = { ...silentLog, error: (_: string, fields: unknown) => logged.push(fields), at: () => log }
    await using pool = openPool({ log })
    const store = await pool.open(directory.path, layout)
    const fd = openSync(file, 'r+')
    const junk = Buffer.alloc(16_384, 0xa5)
    for (const { pageno } of leaves) writeSync(fd, junk, 0, junk.length, (Number(pageno) - 1) * junk.length)
    closeSync(fd)
    await assert.rejects(store.readVectors(vecField, [], 0, 1e9, 1e9), {
      kind: 'ioFailed',
      message: /^row store: the file is damaged; restore it from a backup/,
    })
    assert.match(JSON.stringify(logged), /rows\.db: the file is damaged \(.*malformed/)
  })

  it('names a directory that cannot be used', async () => {
    using directory = temporaryDirectory()
    writeFileSync(join(directory.path, 'file'), '')
    const blocked = await refusal(join(directory.path, 'file'))
    assert.equal(blocked.exitCode, 77)
    mkdirSync(join(directory.path, 'folder', 'rows.db'), { recursive: true })
    const { exitCode, message, hint } = await refusal(join(directory.path, 'folder'))
    assert.equal(exitCode, 77)
    assert.match(message, /folder.rows\.db: cannot be written/)
    assert.match(hint ?? '', /permission/)
  })

  it('tells a full disk and a read-only file from SQLite itself', () => {
    using directory = temporaryDirectory()
    const file = join(directory.path, 'small.db')
    const db = new DatabaseSync(file)
    db.exec('CREATE TABLE t(v); PRAGMA max_page_count=4')
    assert.throws(
      () => db.exec('INSERT INTO t VALUES (zeroblob(1000000))'),
      (error) => {
        const { kind, message } = wireError(file, error)
        assert.equal(kind, 'diskLimit')
        assert.equal(message, 'row store: the disk is full; free some space and try again: disk limit exceeded')
        return true
      },
    )
    db.close()
    const readOnly = new DatabaseSync(file, { readOnly: true })
    assert.throws(
      () => readOnly.exec('INSERT INTO t VALUES (1)'),
      (error) => wireError(file, error).start?.exitCode === 77,
    )
    readOnly.close()
  })

  it('rejects what was in flight when a thread dies, loses nothing acknowledged, and works again', async () => {
    using directory = temporaryDirectory()
    const threads: Worker[] = []
    await using pool = openPool({
      startThread: (url) => {
        const worker = new Worker(url)
        threads.push(worker)
        return worker
      },
    })
    const store = await pool.open(directory.path, layout)
    const other = await pool.open(join(directory.path, 'other'), layout)
    for (let round = 0; round < 3; round++) {
      const acknowledged = new Set<bigint>()
      let next = round * 100_000
      const failures = await Promise.all(
        range(0, 8).map(async () => {
          try {
            for (;;) {
              const key = next++
              await store.write(insert([key]))
              acknowledged.add(BigInt(key))
              if (acknowledged.size === 50) void threads.at(-1)?.terminate()
            }
          } catch (error) {
            assert.ok(error instanceof Error)
            return error
          }
        }),
      )
      for (const { message } of failures) assert.match(message, /a thread of the row store stopped/)
      assert.match(pool.ailment ?? '', /a thread that writes stopped/)
      await Promise.all([store.write(insert([round * 100_000 + 99_999])), other.write(insert([round]))])
      assert.equal(pool.ailment, null, 'well again after a write')
      const kept = await labels(store)
      for (const key of acknowledged) assert.ok(kept.has(key), `acknowledged key ${key} is there`)
      assert.equal(store.rowCount, kept.size)
      assert.equal(other.rowCount, round + 1)
      // The reader started last; the writer must be the last one again for the next round.
      while (threads.length > 0) await threads.pop()?.terminate()
      await store.write({ kind: 'deletePks', pks: longs([-1]), partitions: null })
    }
  })
})
