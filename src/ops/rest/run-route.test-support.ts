/** Runs one REST route against given replies, and notes the calls that it makes. */
import assert from 'node:assert/strict'
import { RedkiteError } from '../../errors/error.ts'
import type { ReplyOf, RequestOf, Rpc } from '../../model/calls.ts'
import type { RestCaller, RestOutput } from '../op.ts'
import { restRoutes } from '../registry.ts'

export type Answers = { readonly [R in Rpc]?: ReplyOf<R> | Error }
/** What is asked for before vectors are read, where a test does not care: no field is of another type than float. */
const fieldless = { schema: { fields: [] } }

export interface Made {
  readonly rpc: Rpc
  readonly request: unknown
}

export async function run(
  path: string,
  body: Record<string, unknown>,
  answers: Answers = {},
  int64AsNumber = true,
): Promise<RestOutput & { calls: Made[] }> {
  const route = restRoutes.find((r) => r.path === `/v2/vectordb/${path}` && r.method === 'POST')
  assert.ok(route, path)
  const calls: Made[] = []
  const call: RestCaller = async <R extends Rpc>(rpc: R, request: RequestOf<R>): Promise<ReplyOf<R>> => {
    calls.push({ rpc, request })
    const answer = answers[rpc] ?? (rpc === 'DescribeCollection' ? fieldless : null)
    if (answer instanceof Error) throw answer
    return answer as unknown as ReplyOf<R>
  }
  const output = await route.run({ body, db: 'default', int64AsNumber, call })
  return { ...output, calls }
}

/** The request of the call at `index`, which must be to `rpc`. */
export function requestAt<R extends Rpc>(calls: readonly Made[], index: number, rpc: R): RequestOf<R> {
  const made = calls[index]
  assert.equal(made?.rpc, rpc)
  return made?.request as RequestOf<R>
}

/** The error that a route answers. */
export async function refusal(
  path: string,
  body: Record<string, unknown>,
  answers: Answers = {},
): Promise<RedkiteError> {
  try {
    await run(path, body, answers)
  } catch (error) {
    assert.ok(error instanceof RedkiteError, String(error))
    return error
  }
  throw new Error(`${path} was not refused`)
}
