import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op, RestInput, RestOutput } from './op.ts'
import { collectionOf, DONE, post } from './rest/body.ts'

/** Loads; a refresh is the same here, since a loaded collection always shows its newest rows. */
export const loadCollection: Op<'LoadCollection'> = defineOp({
  rpc: 'LoadCollection',
  decode: inCollection,
  toMessage: naming,
  rest: [post('collections/load', load), post('collections/refresh_load', load)],
})

async function load(input: RestInput): Promise<RestOutput> {
  await input.call('LoadCollection', collectionOf(input))
  return DONE
}
