import { defineOp, inCollection, naming } from './define-op.ts'
import type { Op, RestInput, RestOutput } from './op.ts'
import { collectionOf, DONE, post } from './rest/body.ts'

export const loadCollection: Op<'LoadCollection'> = defineOp({
  rpc: 'LoadCollection',
  decode: (message, meta) => ({ ...inCollection(message, meta), refresh: message.refresh }),
  toMessage: (request) => ({ ...naming(request), refresh: request.refresh }),
  rest: [
    post('collections/load', (input) => load(input, false)),
    post('collections/refresh_load', (input) => load(input, true)),
  ],
})

async function load(input: RestInput, refresh: boolean): Promise<RestOutput> {
  await input.call('LoadCollection', { ...collectionOf(input), refresh })
  return DONE
}
