/** The messages of a bench, encoded before the clock runs: with the generated code, framed as gRPC frames them. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { type ConsistencyLevel, PlaceholderGroupSchema, PlaceholderType } from '../../src/gen/common_pb.js'
import {
  InsertRequestSchema,
  MutationResultSchema,
  SearchRequestSchema,
  SearchResultsSchema,
} from '../../src/gen/milvus_pb.js'
import { DataType } from '../../src/gen/schema_pb.js'
import type { Dataset } from '../datasets.ts'

export const SERVICE = '/milvus.proto.milvus.MilvusService/'
export const COLLECTION = 'bench'
export const TOP_K = 10

/** What a search asks for beyond its vector. */
export interface SearchShape {
  readonly collection: string
  /** Milvus' filter for a query, '' = none. */
  readonly filter: (query: number) => string
  readonly outputFields: readonly string[]
  /** Of the index (`{"ef":64}`); absent = the server's own choice. */
  readonly params?: string
  /** Milvus' level; absent = the collection's. */
  readonly consistency?: ConsistencyLevel
}

export const plainSearch: SearchShape = { collection: COLLECTION, filter: () => '', outputFields: [] }

/** One SearchRequest of one query vector, as pymilvus and the Node SDK send it, framed. */
export function searchFrame(data: Dataset, query: number, shape: SearchShape = plainSearch): Buffer {
  const vector = data.queries.slice(query * data.dim, (query + 1) * data.dim)
  const placeholders = [{ tag: '$0', type: PlaceholderType.FloatVector, values: [new Uint8Array(vector.buffer)] }]
  const group = toBinary(PlaceholderGroupSchema, create(PlaceholderGroupSchema, { placeholders }))
  const pairs = {
    ...{ anns_field: 'vector', topk: String(TOP_K), metric_type: data.metric, round_decimal: '-1' },
    ...{ params: shape.params ?? '{}', offset: '0', ignore_growing: 'false' },
  }
  const message = create(SearchRequestSchema, {
    collectionName: shape.collection,
    dsl: shape.filter(query),
    dslType: 1,
    searchInput: { case: 'placeholderGroup', value: group },
    outputFields: [...shape.outputFields],
    searchParams: Object.entries(pairs).map(([key, value]) => ({ key, value })),
    nq: 1n,
    ...(shape.consistency === undefined
      ? { useDefaultConsistency: true }
      : { useDefaultConsistency: false, consistencyLevel: shape.consistency }),
  })
  return framed(toBinary(SearchRequestSchema, message))
}

/**
 * One InsertRequest of rows [from, to) with ids = row numbers, framed; `more` are further Int64 fields by row number.
 */
export function insertFrame(
  data: Dataset,
  from: number,
  to: number,
  collection = COLLECTION,
  more: Readonly<Record<string, (row: number) => number>> = {},
): Buffer {
  const rows = data.vectors.slice(from * data.dim, to * data.dim)
  const ids = Array.from({ length: to - from }, (_, i) => BigInt(from + i))
  const long = (fieldName: string, values: bigint[]) => ({
    type: DataType.Int64,
    fieldName,
    field: {
      case: 'scalars' as const,
      value: { data: { case: 'longData' as const, value: { data: values } } },
    },
  })
  const vector = {
    type: DataType.FloatVector,
    fieldName: 'vector',
    field: {
      case: 'vectors' as const,
      value: {
        dim: BigInt(data.dim),
        data: { case: 'floatVector' as const, value: { data: new Uint8Array(rows.buffer) } },
      },
    },
  }
  const labels = ids.map((id) => BigInt(data.labels?.[Number(id)] ?? Number(id) % 10))
  const others = Object.entries(more).map(([name, of]) =>
    long(
      name,
      Array.from(ids, (id) => BigInt(of(Number(id)))),
    ),
  )
  const fieldsData = [long('id', ids), vector, long('label', labels), ...others]
  const message = create(InsertRequestSchema, { collectionName: collection, fieldsData, numRows: to - from })
  return framed(toBinary(InsertRequestSchema, message))
}

/** Ids of a search's hits. @throws Error when Milvus' status says so */
export function searchIds(message: Uint8Array): Float64Array {
  const { status, results } = fromBinary(SearchResultsSchema, message)
  if (status && status.code !== 0) throw new Error(`search: ${status.reason}`)
  const ids = results?.ids?.idField
  if (ids?.case !== 'intId') return new Float64Array(0)
  return Float64Array.from(ids.value.data, Number)
}

/** @throws Error unless so many rows were inserted */
export function checkInserted(message: Uint8Array, rows: number): void {
  const { status, insertCnt } = fromBinary(MutationResultSchema, message)
  if ((status && status.code !== 0) || Number(insertCnt) !== rows) {
    throw new Error(`insert of ${rows} rows: ${insertCnt} inserted; ${status?.reason ?? ''}`)
  }
}

/** gRPC's length-prefixed message: no compression, big-endian length. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.byteLength)
  frame[0] = 0
  frame.writeUInt32BE(message.byteLength, 1)
  frame.set(message, 5)
  return frame
}
