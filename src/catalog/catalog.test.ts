import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Catalog } from './catalog.ts'
import { HybridClock } from './clock.ts'
import type { CollectionEntry } from './entries.ts'
import { checkCollectionName, checkFieldName, checkPartitionName } from './names.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'redkite-catalog-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function entry(id: bigint, name: string): CollectionEntry {
  return {
    id,
    db: 'default',
    schema: { name, description: '', autoId: false, enableDynamicField: false, fields: [] },
    dynamicFieldId: 0,
    shards: 1,
    consistency: 'Bounded',
    properties: {},
    createdAt: id,
    updatedAt: id,
    loaded: false,
    partitions: [],
    partitionsMade: 0,
    indexes: [],
  }
}

describe('the catalog', () => {
  it('is the same after it was opened again, int64 included', () => {
    const id = 466_560_000_000_000_001n
    {
      using catalog = Catalog.open(directory)
      catalog.putCollection(entry(id, 'films'))
      catalog.putAlias('default', 'movies', id)
      catalog.putCredential({ user: 'ann', hash: 'h' })
    }
    using again = Catalog.open(directory)
    assert.equal(again.find('default', 'films')?.id, id)
    assert.equal(again.find('default', 'movies')?.id, id)
    assert.deepEqual(again.aliasesOf(id), ['movies'])
    assert.equal(again.credential('ann')?.hash, 'h')
    assert.equal(again.database('default').name, 'default')
  })

  it('forgets a dropped collection with its aliases and remembers its files until they are gone', () => {
    using catalog = Catalog.open(directory)
    catalog.putCollection(entry(7n, 'films'))
    catalog.putAlias('default', 'movies', 7n)
    catalog.dropCollection(7n)
    assert.equal(catalog.find('default', 'films'), null)
    assert.equal(catalog.find('default', 'movies'), null)
    assert.deepEqual(catalog.doomed(), [7n])
    catalog.forgetDoomed(7n)
    assert.deepEqual(catalog.doomed(), [])
  })

  it('renames in one step', () => {
    using catalog = Catalog.open(directory)
    catalog.putCollection(entry(7n, 'films'))
    catalog.putCollection({ ...entry(7n, 'movies') })
    assert.equal(catalog.find('default', 'films'), null)
    assert.equal(catalog.find('default', 'movies')?.id, 7n)
  })

  it('refuses a newer format and a damaged file, naming the file', () => {
    Catalog.open(directory)[Symbol.dispose]()
    const path = join(directory, 'catalog.db')
    const db = new DatabaseSync(path)
    db.exec("UPDATE info SET value = '99' WHERE key = 'format'")
    db.close()
    assert.throws(() => Catalog.open(directory), {
      name: 'StartError',
      exitCode: 78,
      message: /catalog\.db has format 99/,
    })
  })
})

describe('the hybrid clock', () => {
  it('never repeats, also when the wall clock is set back over a restart', () => {
    let reserved = 0n
    let now = 1_000_000
    const make = () =>
      new HybridClock(
        reserved,
        (to) => (reserved = to),
        () => now,
      )
    const first = make()
    const seen = [first.next(), first.take(1_000) + 999n, first.next()]
    now = 5
    const second = make()
    seen.push(second.next(), second.next())
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => (a < b ? -1 : 1)),
    )
    assert.equal(new Set(seen).size, seen.length)
  })

  it('reserves rarely', () => {
    let persisted = 0
    let now = 1_000
    const clock = new HybridClock(
      0n,
      () => persisted++,
      () => now,
    )
    for (let i = 0; i < 1_000; i++, now++) clock.next()
    assert.equal(persisted, 1)
  })
})

describe('names', () => {
  it('are refused with the text of Milvus', () => {
    assert.throws(() => checkCollectionName('1st', 255), {
      kind: 'invalidParameter',
      message:
        'Invalid collection name: 1st.  the first character of a collection name must be an underscore or letter: invalid parameter',
    })
    assert.throws(() => checkCollectionName('a-b', 255), /can only contain numbers, letters and underscores/)
    assert.throws(() => checkCollectionName('', 255), /collection name should not be empty/)
    assert.throws(() => checkCollectionName('x'.repeat(256), 255), /must be not greater than limit/)
    assert.throws(() => checkFieldName('json_contains', 255), /is keyword in milvus/)
    checkPartitionName('2024-01', 255)
    assert.throws(() => checkPartitionName('a b', 255), /Partition name can only contain/)
  })
})
