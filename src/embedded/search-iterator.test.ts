import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { VectorHits } from '../engine/contract.ts'
import type { SearchRequest } from '../model/calls.ts'
import type { MetricType } from '../model/schema.ts'
import { SearchIterators } from './search-iterator.ts'

function request(topk: number, token: string, lastBound: number | null) {
  return {
    ...{ db: 'default', collection: 'c', partitions: [], field: '', filter: '', templates: {} },
    ...{
      vectors: new Float32Array(1),
      nq: 1,
      vectorBytes: 4,
      ids: null,
      grouping: null,
      topk,
      offset: 0,
      metric: '',
      params: {},
    },
    ...{ outputFields: [], roundDecimal: -1, consistency: null, guaranteeTs: 0n },
    iterator: { token, lastBound },
  } satisfies SearchRequest
}

/** Pages through scores as a client does, and gives the row ids of each page. */
async function pages(
  scores: readonly number[],
  batch: number,
  metric: MetricType,
  forget = false,
): Promise<number[][]> {
  const found: number[][] = []
  let iterators = new SearchIterators()
  let [token, bound]: [string, number | null] = ['', null]
  const sign = metric === 'L2' ? 1 : -1
  const run = async (k: number, from: number | null): Promise<VectorHits> => {
    const rows = scores.map((s, i) => ({ s: Math.fround(s), i }))
    const passing = rows.filter(({ s }) => from === null || (metric === 'L2' ? s >= from : s <= from))
    const best = passing.sort((a, b) => sign * (a.s - b.s) || a.i - b.i).slice(0, k)
    return {
      counts: Int32Array.of(best.length),
      rids: Float64Array.from(best, ({ i }) => i),
      scores: Float32Array.from(best, ({ s }) => s),
    }
  }
  for (;;) {
    if (forget) iterators = new SearchIterators()
    const { hits, iterator } = await iterators.page(run, request(batch, token, bound), metric, null)
    if (hits.rids.length === 0) return found
    assert.ok(hits.rids.length <= batch)
    found.push([...hits.rids])
    token = iterator.token
    bound = iterator.lastBound
  }
}

describe('search iterator v2', () => {
  it('gives every row once, best first, also where scores are equal across pages', async () => {
    const scores = [0.1, 0.2, 0.2, 0.2, 0.2, -0.3, 0.3, 0.4, 0, 0.1, 0, -0.3]
    for (const metric of ['L2', 'IP', 'COSINE'] as const) {
      for (const batch of [1, 2, 3, 4, 100]) {
        const found = (await pages(scores, batch, metric)).flat()
        const sign = metric === 'L2' ? 1 : -1
        const ranked = scores.map((s, i) => ({ s, i })).sort((a, b) => sign * (a.s - b.s) || a.i - b.i)
        assert.deepEqual(
          found,
          ranked.map(({ i }) => i),
          `${metric}, batch ${batch}`,
        )
      }
    }
  })

  it('a forgotten token continues strictly behind the last score', async () => {
    assert.deepEqual(await pages([1, 1, 1, 2, 3], 2, 'L2', true), [
      [0, 1],
      [3, 4],
    ])
    assert.deepEqual(await pages([3, 2, -1, -1, -1], 3, 'IP', true), [[0, 1, 2]])
  })

  it('refuses what has no pages', async () => {
    const none = async (): Promise<VectorHits> => {
      throw new Error('not reached')
    }
    const iterators = new SearchIterators()
    await assert.rejects(iterators.page(none, { ...request(1, '', null), nq: 2 }, 'L2', null), /one query vector/)
    await assert.rejects(iterators.page(none, { ...request(1, '', null), offset: 2 }, 'L2', null), /no offset/)
  })
})
