import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fault, RedkiteError } from '../errors/error.ts'
import { type ErrorKind, errorTable } from '../errors/table.ts'
import { type ReplyOf, type RequestOf, type Rpc, Secret } from '../model/calls.ts'
import type { Column, ColumnData } from '../model/columns.ts'
import { rowBytes } from '../model/vectors.ts'
import type { Op } from './op.ts'
import { opByRpc, ops } from './registry.ts'
import { columns, samples } from './samples.test-support.ts'
import { sdkDecode, sdkEncode, sdkRequestTypes } from './sdk-messages.test-support.ts'

const META = { db: '' }
type Body = Readonly<Record<string, unknown>>
const rpcs = Object.keys(ops) as Rpc[]

/** Passwords hide themselves from comparisons too. */
function revealed(value: object): object {
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, v instanceof Secret ? v.reveal() : v]))
}

function refusal(action: () => unknown): RedkiteError {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof RedkiteError, String(error))
    return error
  }
  throw new Error('not refused')
}

describe('every op as a client', () => {
  for (const rpc of rpcs) {
    it(`${rpc}: a request is read back as it was, a reply too`, () => checkRoundTrips(ops[rpc], samples[rpc]))
  }

  it('sends what the SDK reads, its message type in `base`', () => {
    const types = sdkRequestTypes()
    const untyped = rpcs.filter((rpc) => {
      const [request] = samples[rpc].requests
      const message = sdkDecode(
        `milvus.${types.get(rpc)}`,
        opByRpc(rpc)?.encodeRequest(request as RequestOf<Rpc>) ?? new Uint8Array(0),
      )
      return (message['base'] as { msg_type: string } | undefined)?.msg_type === 'Undefined'
    })
    assert.deepEqual(untyped, ['GetLoadingProgress', 'GetLoadState'])
    const query = sdkDecode(
      'milvus.QueryRequest',
      ops.Query.encodeRequest(samples.Query.requests[0] as RequestOf<'Query'>),
    )
    assert.equal((query['base'] as { msg_type: string }).msg_type, 'Retrieve')
  })
})

function checkRoundTrips<R extends Rpc>(op: Op<R>, { requests, replies }: (typeof samples)[R]): void {
  assert.ok(requests.length > 0 && replies.length > 0)
  for (const request of requests as readonly RequestOf<R>[]) {
    const back = op.decode(op.encodeRequest(request), META)
    assert.deepEqual(revealed(back), revealed(request))
  }
  for (const reply of replies as readonly ReplyOf<R>[]) assert.deepEqual(op.decodeReply(op.encode(reply)), reply)
}

describe('on the wire', () => {
  const pairs = (list: unknown) =>
    Object.fromEntries((list as { key: string; value: string }[]).map(({ key, value }) => [key, value]))

  it('a search has its parameters where every Milvus looks for them', () => {
    const [plain, iterating, growing] = samples.Search.requests
    const sent = (request: RequestOf<'Search'> | undefined) => {
      const message = sdkDecode('milvus.SearchRequest', request ? ops.Search.encodeRequest(request) : new Uint8Array(0))
      return { message, params: pairs(message['search_params']) }
    }
    const { message, params } = sent(plain)
    assert.deepEqual([message['dsl_type'], message['nq'], message['dsl']], ['BoolExprV1', '2', 'n > {big}'])
    assert.deepEqual(JSON.parse(params['params'] ?? ''), { ef: 64, radius: 0.5, level: 2, hints: 'iterative_filter' })
    const { params: _, ...flat } = params
    assert.deepEqual(flat, {
      ...{ anns_field: 'v', topk: '5', offset: '3', metric_type: 'L2', round_decimal: '3' },
      hints: 'iterative_filter',
    })
    const flatKeys = Object.keys(sent(iterating).params).filter((key) => key.startsWith('search_iter'))
    assert.deepEqual(flatKeys, [
      ...['search_iter_v2', 'search_iter_id', 'search_iter_last_bound', 'search_iter_batch_size'],
    ])
    assert.equal(sent(growing).params['ignore_growing'], 'true')
    assert.deepEqual(JSON.parse(sent(growing).params['params'] ?? ''), { nprobe: 8 })
  })

  it('rows to write are compact, without slots where a row has no value', () => {
    const [request] = samples.Insert.requests
    const bytes = request ? ops.Insert.encodeRequest(request) : new Uint8Array(0)
    const { fields_data: fields, num_rows } = sdkDecode('milvus.InsertRequest', bytes)
    const sent = new Map(
      (fields as { field_name: string; scalars?: Body; vectors?: Body }[]).map((f) => [
        f.field_name,
        f.scalars ?? f.vectors,
      ]),
    )
    assert.equal(num_rows, 3)
    assert.deepEqual(sent.get('ns')?.['string_data'], { data: ['a', 'b'] })
    assert.deepEqual(sent.get('nn')?.['long_data'], { data: [] })
    assert.deepEqual(sent.get('nv')?.['float_vector'], { data: [1, 2, 5, 6] })
  })

  it('an index has its parameters flat', () => {
    const [request] = samples.CreateIndex.requests
    const message = sdkDecode(
      'milvus.CreateIndexRequest',
      request ? ops.CreateIndex.encodeRequest(request) : new Uint8Array(0),
    )
    assert.deepEqual(pairs(message['extra_params']), { index_type: 'HNSW', metric_type: 'L2', M: '8' })
  })
})

describe('a failure read by a client', () => {
  it('has the code and the text of the server, whatever the call', () => {
    const kinds = (Object.keys(errorTable) as ErrorKind[]).filter((kind) => errorTable[kind].grpc === null)
    for (const rpc of rpcs) {
      const op = opByRpc(rpc) as Op
      for (const kind of kinds) {
        const sent = fault(kind, { collection: 'é' })
        const bytes = op.encodeFailure(sent)
        const error = refusal(() => op.decodeReply(bytes))
        assert.deepEqual([error.row.code, error.message], [sent.row.code, sent.message], rpc)
        // once more through a server of ours: not a byte changes
        assert.deepEqual(op.encodeFailure(error), bytes, `${rpc} ${kind}`)
      }
    }
  })

  it('keeps a code that this server does not know', () => {
    const bytes = sdkEncode('common.Status', { code: 2200, error_code: 1, reason: 'quota exceeded', retriable: true })
    const error = refusal(() => ops.DropCollection.decodeReply(bytes))
    assert.deepEqual([error.kind, error.row.code, error.message], ['upstream', 2200, 'quota exceeded'])
    assert.deepEqual([error.row.http, error.row.grpc, error.row.retriable], [200, null, true])
  })

  it('of a fault that the server did not expect is not taken for one of ours', () => {
    const bytes = sdkEncode('common.Status', { code: 65535, error_code: 1, reason: 'cannot parse expression: id <' })
    const error = refusal(() => ops.DropCollection.decodeReply(bytes))
    assert.deepEqual([error.kind, error.row.code, error.message], ['upstream', 65535, 'cannot parse expression: id <'])
  })

  it('is found by its kind where this server knows the code', () => {
    const status = { code: 700, error_code: 25, reason: 'index not found[collection=c]' }
    const error = refusal(() => ops.DescribeIndex.decodeReply(sdkEncode('milvus.DescribeIndexResponse', { status })))
    assert.deepEqual([error.kind, error.row.code, error.row.legacy], ['indexNotFound', 700, 25])
  })

  it('of a server that sets only error_code is translated as Milvus does', () => {
    const codeOf = (error_code: number) =>
      refusal(() => ops.DropCollection.decodeReply(sdkEncode('common.Status', { error_code, reason: 'r' }))).row.code
    assert.deepEqual([4, 5, 25, 49, 1, 29].map(codeOf), [100, 1100, 700, 8, 65535, 65535])
  })

  it('keeps an RBAC call’s own legacy code', () => {
    const status = sdkEncode('common.Status', { code: 65535, error_code: 29, reason: 'user already exists: u1' })
    const error = refusal(() => ops.CreateCredential.decodeReply(status))
    assert.equal(
      sdkDecode('common.Status', ops.UpdateCredential.encodeFailure(error))['error_code'],
      'CreateCredentialFailure',
    )
  })

  it('that is no message at all is the upstream’s fault', () => {
    assert.equal(refusal(() => ops.Query.decodeReply(Buffer.from([0xff]))).kind, 'serviceInternal')
  })
})

/** Slots of `rows` rows, fillers where a row has no value. */
function dataOf(kind: ColumnData['kind'], rows: number, isValid: (row: number) => boolean): fc.Arbitrary<ColumnData> {
  const list = <T>(value: fc.Arbitrary<T>, filler: T) =>
    fc.tuple(...Array.from({ length: rows }, (_, row) => (isValid(row) ? value : fc.constant(filler))))
  switch (kind) {
    case 'bool':
      return list(fc.nat(1), 0).map((v) => ({ kind, values: Uint8Array.from(v) }))
    case 'int':
      return list(fc.integer(), 0).map((v) => ({ kind, values: Int32Array.from(v) }))
    case 'long':
      return list(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), 0n).map((v) => ({ kind, values: BigInt64Array.from(v) }))
    case 'float':
      return list(fc.float(), 0).map((v) => ({ kind, values: Float32Array.from(v) }))
    case 'double':
      return list(fc.double(), 0).map((v) => ({ kind, values: Float64Array.from(v) }))
    case 'string':
      return list(fc.string({ unit: 'grapheme' }), '').map((values) => ({ kind, values }))
    case 'json':
      return list(fc.json(), 'null').map((values) => ({ kind, values }))
    case 'floatVector': {
      const dim = 3
      const vector = fc.tuple(fc.float(), fc.float(), fc.float())
      return list(vector, [0, 0, 0]).map((v) => ({ kind, dim, values: Float32Array.from(v.flat()) }))
    }
    case 'sparseVector': {
      const row = fc.uint8Array({ minLength: 2, maxLength: 2 }).map((v) => Uint8Array.of(...v, 0, 0, 0, 0, 128, 63))
      return list<Uint8Array>(row, new Uint8Array(0)).map((values) => ({ kind, values }))
    }
    default: {
      const dim = 16
      const row = fc.uint8Array({ minLength: rowBytes(kind, dim), maxLength: rowBytes(kind, dim) })
      return list(row, new Uint8Array(rowBytes(kind, dim))).map((v) => {
        return { kind, dim, values: Uint8Array.from(v.flatMap((bytes) => [...bytes])) }
      })
    }
  }
}

const TYPES = [
  ['bool', 'Bool'],
  ['int', 'Int16'],
  ['long', 'Int64'],
  ['float', 'Float'],
  ['double', 'Double'],
  ['string', 'VarChar'],
  ['json', 'JSON'],
  ['floatVector', 'FloatVector'],
  ['float16Vector', 'Float16Vector'],
  ['bfloat16Vector', 'BFloat16Vector'],
  ['int8Vector', 'Int8Vector'],
  ['binaryVector', 'BinaryVector'],
  ['sparseVector', 'SparseFloatVector'],
] as const

function columnOf(rows: number, field: string): fc.Arbitrary<Column> {
  const bits = fc.array(fc.nat(1), { minLength: rows, maxLength: rows }).map((v) => Uint8Array.from(v))
  return fc.tuple(fc.constantFrom(...TYPES), fc.option(bits)).chain(([[kind, type], given]) => {
    const valid = given?.includes(0) ? given : null
    return dataOf(kind, rows, (row) => valid?.[row] !== 0).map((data) => ({ field, type, valid, dynamic: false, data }))
  })
}

const anyColumns = fc
  .tuple(fc.nat(6), fc.nat(4))
  .chain(([rows, count]) =>
    fc.tuple(fc.constant(rows), fc.tuple(...Array.from({ length: count + 1 }, (_, i) => columnOf(rows, `f${i}`)))),
  )

describe('columns of any content', () => {
  it('are inserted as they are', () => {
    fc.assert(
      fc.property(anyColumns, ([rowCount, list]) => {
        const request = {
          db: 'd',
          collection: 'c',
          partition: '',
          rows: { rowCount, columns: list },
        } as const
        assert.deepEqual(ops.Insert.decode(ops.Insert.encodeRequest(request), META), request)
      }),
      { numRuns: 300 },
    )
  })

  it('are read from a query and a search as they are', () => {
    fc.assert(
      fc.property(anyColumns, fc.array(fc.nat(6)), ([rowCount, list], cuts) => {
        const outputFields = list.map(({ field }) => field)
        const common = { collection: 'c', primaryField: 'id', columns: list, outputFields, sessionTs: 1n }
        const found: ReplyOf<'Query'> = { ...common, rowCount }
        assert.deepEqual(ops.Query.decodeReply(ops.Query.encode(found)), found)
        const ends = [...cuts.map((cut) => Math.min(cut, rowCount)).sort(), rowCount]
        const counts = Int32Array.from(ends, (end, q) => end - (ends[q - 1] ?? 0))
        const hits: ReplyOf<'Search'> = {
          ...{ ...common, counts, topk: Math.max(...counts), iterator: null, groupValues: null },
          ids: { kind: 'long', values: new BigInt64Array(rowCount).fill(5n) },
          scores: new Float32Array(rowCount).fill(0.5),
        }
        assert.deepEqual(ops.Search.decodeReply(ops.Search.encode(hits)), hits)
      }),
      { numRuns: 300 },
    )
  })

  it('travel as bytes: a view of floats is written without conversion', () => {
    const [vector] = columns.filter(({ field }) => field === 'v')
    assert.equal(vector?.data.kind, 'floatVector')
    const batch = { rowCount: 3, columns: vector ? [vector] : [] }
    const bytes = ops.Insert.encodeRequest({
      db: 'd',
      collection: 'c',
      partition: '',
      rows: batch,
    })
    const floats = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer)
    assert.ok(Buffer.from(bytes).includes(floats))
  })
})
