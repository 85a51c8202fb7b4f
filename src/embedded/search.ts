import { columnBytes } from '../model/columns.ts'
import { groupedHits, groupFieldOf } from './grouped-search.ts'
import { planOutput } from './output.ts'
import { checkWindow } from './search-bounds.ts'
import { prepareSearch } from './search-hits.ts'
import { HIT_BYTES, replyOf, resultSizeCheck } from './search-reply.ts'
import { type Handler, loadedCollection } from './world.ts'

/** A hit that a concurrent change removed is replaced by searching again; after this many times the rest is enough. */
const ATTEMPTS_MAX = 3

export const search: Handler<'Search'> = async (world, asked) => {
  const entry = loadedCollection(world, asked)
  checkWindow(asked, world.limits)
  const live = world.live(entry)
  const prepared = await prepareSearch(world, entry, live, asked)
  const { request, target, rangeFilter } = prepared
  const { grouping } = request
  const groupField = grouping === null ? null : groupFieldOf(entry, grouping)
  const output = planOutput(entry, request.outputFields)
  const checkSize = resultSizeCheck(world.limits.resultBytesMax)
  const window = (request.topk + request.offset) * (grouping?.size ?? 1)
  checkSize(request.nq * Math.min(window, live.store.rowCount) * HIT_BYTES)
  const scope = { live, entry, output, sessionTs: world.catalog.clock.next() }
  const shown = { topk: request.topk, offset: request.offset, roundDecimal: request.roundDecimal }
  const find = async () => {
    if (grouping !== null && groupField !== null) {
      const hits = await groupedHits(world, entry, live, prepared, grouping, groupField)
      return { hits, iterator: null, page: { ...shown, offset: 0, topk: Infinity, isOrdered: true, groupField } }
    }
    const plan = await prepared.plan(prepared.expr)
    const run = (k: number, from: number | null) => prepared.run(plan, k, from)
    const page = { ...shown, isOrdered: false, groupField: null }
    const { iterator: place } = request
    if (place === null) return { hits: await run(request.topk + request.offset, rangeFilter), iterator: null, page }
    const { metric } = target.plan
    return { ...(await live.iterators.page(run, { ...request, iterator: place }, metric, rangeFilter)), page }
  }
  for (let attempt = 1; ; attempt++) {
    const { hits, iterator, page } = await find()
    const vectorBytes = output.fields.reduce((sum, { dim }) => sum + dim * Float32Array.BYTES_PER_ELEMENT, 0)
    checkSize(hits.rids.length * (HIT_BYTES + vectorBytes))
    const { lost, reply } = await replyOf(scope, page, hits)
    if (lost > 0 && attempt < ATTEMPTS_MAX) continue
    checkSize(columnBytes(reply.columns))
    return { ...reply, topk: request.topk, iterator }
  }
}
