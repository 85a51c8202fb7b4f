import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Column } from '../model/columns.ts'
import { dynamicField } from '../model/schema.ts'
import { KeyCache } from './key-cache.ts'

const field = { ...dynamicField(100), name: 'id', type: 'Int64', isPrimary: true, isDynamic: false } as const

function longs(column: Column | null): bigint[] | null {
  return column?.data.kind === 'long' ? [...column.data.values] : null
}

it('keys that were written or read are known, all others are asked for', () => {
  const cache = new KeyCache()
  assert.equal(cache.take(field, Float64Array.of(1)), null)
  cache.learnRun(1, { kind: 'long', values: BigInt64Array.of(2n ** 62n, -5n) })
  assert.deepEqual(longs(cache.take(field, Float64Array.of(2, 1))), [-5n, 2n ** 62n])
  assert.equal(cache.take(field, Float64Array.of(1, 3)), null)
  const read: Column = {
    field: 'id',
    data: { kind: 'long', values: BigInt64Array.of(7n, 0n) },
    valid: null,
    dynamic: false,
  }
  cache.learn(Float64Array.of(5_000, 3), read, Uint8Array.of(1, 0))
  assert.deepEqual(longs(cache.take(field, Float64Array.of(5_000))), [7n])
  assert.equal(cache.take(field, Float64Array.of(3)), null, 'a row that is gone is not learnt')
})

it('knows nothing of text keys, and nothing beyond its bound', () => {
  const text = new KeyCache()
  text.learnRun(1, { kind: 'string', values: ['a'] })
  assert.equal(text.take({ ...field, type: 'VarChar' }, Float64Array.of(1)), null)
  const cache = new KeyCache()
  cache.learnRun(2 ** 21, { kind: 'long', values: BigInt64Array.of(1n) })
  assert.equal(cache.take(field, Float64Array.of(2 ** 21)), null)
})
