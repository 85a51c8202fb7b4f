/** A few requests and replies of every RPC: one without a sample does not compile. */
import { type IndexInfo, type ReplyOf, type RequestOf, type Rpc, Secret } from '../model/calls.ts'
import type { Column } from '../model/columns.ts'
import type { FieldTypeName } from '../model/fields/table.ts'
import type { CollectionSchema } from '../model/schema.ts'
import { bareField } from './rest/field.ts'
import { roleSamples } from './role-samples.test-support.ts'

export type Samples = { readonly [R in Rpc]: { requests: readonly RequestOf<R>[]; replies: readonly ReplyOf<R>[] } }

const MAX = 2n ** 63n - 1n
const c = { db: 'd', collection: 'c' }
const inPartition = { ...c, partition: 'p' }
const inPartitions = [
  { ...c, partitions: [] },
  { ...c, partitions: ['p', 'é'] },
]
const index = { ...c, name: 'vi', field: 'v' }
const TS = 470706631187103756n

export const schema: CollectionSchema = {
  name: 'c',
  description: 'é',
  autoId: true,
  enableDynamicField: true,
  fields: [
    { ...bareField('id', 'Int64'), id: 100, isPrimary: true, autoId: true },
    { ...bareField('s', 'VarChar'), id: 101, maxLength: 9, typeParams: { max_length: '9' }, isPartitionKey: true },
    { ...bareField('n', 'Int64'), id: 102, nullable: true, defaultValue: MAX },
    { ...bareField('b', 'Bool'), id: 103, defaultValue: false, isClusteringKey: true, description: 'x' },
    { ...bareField('d', 'Double'), id: 104, defaultValue: 0.1 },
    {
      ...bareField('tags', 'Array'),
      ...{ id: 105, elementType: 'VarChar', maxCapacity: 5, maxLength: 7 },
      typeParams: { max_capacity: '5', max_length: '7' },
    },
    { ...bareField('v', 'FloatVector'), id: 106, dim: 2, typeParams: { dim: '2', 'mmap.enabled': 'true' } },
    { ...bareField('w', 'BinaryVector'), id: 107, dim: 8, typeParams: { dim: '8' } },
  ],
}

const valid = Uint8Array.of(1, 0, 1)
const plain = { dynamic: false, valid: null }

/** An Array column of each element type, and one with a null. */
function arrayColumns(): Column[] {
  const of = (elementType: FieldTypeName, ...values: string[]): Column => {
    return { ...plain, field: `a${elementType}`, type: 'Array', elementType, data: { kind: 'json', values } }
  }
  return [
    of('Bool', '[true,false]', '[]', '[true]'),
    of('Int8', '[-128,127]', '[]', '[0]'),
    of('Int16', '[-32768]', '[1,2]', '[]'),
    of('Int32', '[2147483647]', '[]', '[1]'),
    of('Int64', '[-9223372036854775808,9223372036854775807]', '[]', '[0]'),
    of('Float', '[0.5,1e+30]'.replace('1e+30', JSON.stringify(Math.fround(1e30))), '[]', '[-2]'),
    of('Double', '[0.1,1e+300]', '[]', '[1]'),
    of('VarChar', '["é","𝄞\\"\\n"]', '[]', '[""]'),
    { ...of('Int64', '[1]', '[]', '[]'), field: 'na', valid },
  ]
}

/** Three rows of every kind, with nulls, int64 at its ends and a dynamic column. */
export const columns: readonly Column[] = [
  { ...plain, field: 'id', type: 'Int64', data: { kind: 'long', values: BigInt64Array.of(-MAX - 1n, MAX, 0n) } },
  { ...plain, field: 'b', type: 'Bool', data: { kind: 'bool', values: Uint8Array.of(1, 0, 1) } },
  { ...plain, field: 'i8', type: 'Int8', data: { kind: 'int', values: Int32Array.of(-128, 127, 0) } },
  {
    ...plain,
    field: 'i32',
    type: 'Int32',
    data: { kind: 'int', values: Int32Array.of(-(2 ** 31), 5, 1) },
    valid: null,
  },
  { ...plain, field: 'f', type: 'Float', data: { kind: 'float', values: Float32Array.of(0.5, -0, 1e30) } },
  { ...plain, field: 'd', type: 'Double', data: { kind: 'double', values: Float64Array.of(0.1, 1e300, -1) } },
  { ...plain, field: 's', type: 'VarChar', data: { kind: 'string', values: ['', 'é', '𝄞'] } },
  { ...plain, field: 'j', type: 'JSON', data: { kind: 'json', values: ['{"a": 9007199254740993}', '[]', 'null'] } },
  { ...plain, field: 'ns', type: 'VarChar', valid, data: { kind: 'string', values: ['a', '', 'b'] } },
  { ...plain, field: 'nj', type: 'JSON', valid, data: { kind: 'json', values: ['1', 'null', '{}'] } },
  ...arrayColumns(),
  {
    ...plain,
    field: 'nn',
    type: 'Int64',
    valid: new Uint8Array(3),
    data: { kind: 'long', values: new BigInt64Array(3) },
  },
  {
    ...{ field: 'v', type: 'FloatVector', dynamic: false, valid: null },
    data: { kind: 'floatVector', dim: 2, values: Float32Array.of(1, 2, 3, 4, 5, 6) },
  },
  {
    ...{ field: 'nv', type: 'FloatVector', dynamic: false, valid },
    data: { kind: 'floatVector', dim: 2, values: Float32Array.of(1, 2, 0, 0, 5, 6) },
  },
  {
    ...{ field: '$meta', type: 'JSON', dynamic: true, valid: null },
    data: { kind: 'json', values: ['{"k": 1}', '{}', '{"k":9007199254740993}'] },
  },
]
const batch = { rowCount: 3, columns }
const write = { ...inPartition, rows: batch }
const named = columns.map(({ field }) => field)

const templates = {
  yes: true,
  big: MAX,
  half: 0.5,
  text: 'é',
  none: [],
  bigs: [MAX, -1n],
  halves: [0.5, 2],
  texts: ['a', ''],
  flags: [true, false],
  nested: [[1n], [2n, 3n]],
  mixed: [MAX, 0.5, 'x', true, ['y', 1n]],
}

const searchReply: ReplyOf<'Search'> = {
  collection: 'c',
  primaryField: 'id',
  counts: Int32Array.of(2, 0, 1),
  ids: { kind: 'long', values: BigInt64Array.of(MAX, -1n, 7n) },
  scores: Float32Array.of(0.5, 0.25, -1),
  columns,
  outputFields: named,
  topk: 2,
  sessionTs: TS,
  iterator: { token: 'abc', lastBound: 0.25 },
  groupValues: null,
}
const noHits: ReplyOf<'Search'> = {
  ...searchReply,
  ...{ counts: new Int32Array(2), ids: { kind: 'string', values: [] }, scores: new Float32Array(0), topk: 0 },
  ...{ columns: [], outputFields: [], iterator: null },
}
const search: RequestOf<'Search'> = {
  ...{ ...c, partitions: ['p'], field: 'v', filter: 'n > {big}', templates, outputFields: ['*', '$meta["k"]'] },
  ...{ vectors: Float32Array.of(1, 2, 3, 4), nq: 2, vectorBytes: 8, topk: 5, offset: 3, metric: 'L2' },
  ...{ params: { ef: 64, radius: 0.5, level: 2, hints: 'iterative_filter' }, roundDecimal: 3, iterator: null },
  ...{ consistency: 'Strong', guaranteeTs: TS, ids: null, grouping: null },
}
const byIds: RequestOf<'Search'> = {
  ...{ ...search, params: {}, vectors: new Float32Array(0), vectorBytes: 0 },
  ids: { kind: 'long', values: BigInt64Array.of(MAX, 7n) },
}
const byNames: RequestOf<'Search'> = { ...byIds, nq: 1, ids: { kind: 'string', values: ['é'] } }
const grouped: RequestOf<'Search'> = { ...byIds, grouping: { field: 'g', size: 3, strict: true } }
const hybrid: RequestOf<'HybridSearch'> = {
  ...{ ...c, partitions: ['p'], requests: [search, byIds], ranker: { kind: 'rrf', k: 60.5 }, grouping: null },
  ...{ topk: 5, offset: 2, roundDecimal: 4, outputFields: ['*'], consistency: 'Bounded', guaranteeTs: TS },
}
const weighted: RequestOf<'HybridSearch'> = {
  ...{ ...hybrid, consistency: null, ranker: { kind: 'weighted', weights: [0.25, 1], normalised: false } },
  grouping: { field: 'g', size: 2, strict: false, scorer: 'avg' },
}
const groupedReply: ReplyOf<'Search'> = {
  ...{ ...searchReply, iterator: null, columns: [], outputFields: [] },
  groupValues: {
    field: 'g',
    data: { kind: 'string', values: ['a', 'b', ''] },
    valid: Uint8Array.of(1, 1, 0),
    dynamic: false,
    type: 'VarChar',
  },
}
const iterating: RequestOf<'Search'> = {
  ...{ ...search, nq: 1, vectors: Float32Array.of(1, 2), offset: 0, metric: '', roundDecimal: -1, consistency: null },
  params: { search_iter_v2: true, search_iter_id: 't', search_iter_last_bound: 0.5, search_iter_batch_size: 10 },
  iterator: { token: 't', lastBound: 0.5 },
}
const byBits: RequestOf<'Search'> = {
  ...search,
  ...{ vectors: new Float32Array(0), vectorBytes: 2, metric: 'HAMMING' },
  packed: { kind: 'binaryVector', values: [Uint8Array.of(1, 2), Uint8Array.of(3, 255)] },
}
const bySparse: RequestOf<'Search'> = {
  ...search,
  ...{ vectors: new Float32Array(0), vectorBytes: 8, metric: 'IP' },
  packed: { kind: 'sparseVector', values: [Uint8Array.of(1, 0, 0, 0, 0, 0, 128, 63), new Uint8Array(0)] },
}
const growingIgnored: RequestOf<'Search'> = { ...search, params: { ignore_growing: true, nprobe: 8 }, templates: {} }
const query: RequestOf<'Query'> = {
  ...{ ...c, partitions: ['p'], filter: 'n in {bigs}', templates, outputFields: ['*'], limit: 10, offset: 3 },
  ...{ consistency: 'Eventually', guaranteeTs: TS },
}
const queryReply: ReplyOf<'Query'> = {
  ...{ collection: 'c', primaryField: 'id', rowCount: 3, columns, outputFields: named, sessionTs: TS },
}
const indexInfo: IndexInfo = {
  ...{ name: 'vi', id: MAX, field: 'v', params: { index_type: 'HNSW', M: '8' }, totalRows: 5n, indexedRows: 3n },
  ...{ pendingRows: 2n, state: 'InProgress', failReason: 'é', versions: [1, 8] },
}
const indexes: readonly IndexInfo[] = [
  indexInfo,
  { ...indexInfo, state: 'Failed' },
  { ...indexInfo, state: 'Finished' },
]
const listed = { name: 'é', id: 7n, createdAt: TS }
const collectionInfo: ReplyOf<'DescribeCollection'> = {
  ...{ db: 'd', dbId: 5n, id: MAX, schema, aliases: ['a'], consistency: 'Session', shards: 2, partitionCount: 4 },
  ...{ properties: { 'collection.ttl.seconds': '60' }, createdAt: TS, updatedAt: TS + 1n },
}

const one = <T>(...requests: T[]) => ({ requests, replies: [null] })
const nothing = [{}]
const alias = one({ ...c, alias: 'a' })

export const samples: Samples = {
  Connect: {
    requests: [{ db: 'default', client: { sdkType: 'a', sdkVersion: '1', user: 'u', host: 'h', localTime: 't' } }],
    replies: [{ identifier: MAX }],
  },
  GetVersion: { requests: nothing, replies: [{ version: 'v2.3.5-lite' }] },
  CheckHealth: {
    requests: nothing,
    replies: [
      { healthy: false, reasons: ['x'] },
      { healthy: true, reasons: [] },
    ],
  },
  GetComponentStates: { requests: nothing, replies: [{ healthy: true }, { healthy: false }] },
  AllocTimestamp: { requests: nothing, replies: [{ ts: TS }] },
  CreateDatabase: one({ db: 'd', properties: { a: 'b' } }),
  DropDatabase: one({ db: 'd' }),
  ListDatabases: { requests: nothing, replies: [{ databases: [listed, { ...listed, id: 8n }] }, { databases: [] }] },
  DescribeDatabase: {
    requests: [{ db: 'd' }],
    replies: [{ db: 'd', id: 5n, createdAt: TS, properties: { a: 'b' } }],
  },
  AlterDatabase: one({ db: 'd', set: { a: 'b' }, remove: [] }, { db: 'd', set: {}, remove: ['a'] }),
  CreateCollection: one({
    ...{ ...c, schema, shards: 2, consistency: 'Eventually' as const, properties: { a: 'b' }, partitionCount: 16 },
  }),
  DropCollection: one(c),
  HasCollection: { requests: [c], replies: [{ value: true }, { value: false }] },
  DescribeCollection: {
    requests: [
      { ...c, collectionId: 0n },
      { db: 'd', collection: '', collectionId: MAX },
    ],
    replies: [collectionInfo],
  },
  ShowCollections: {
    requests: [
      { db: 'd', loadedOnly: true, names: [] },
      { db: 'd', loadedOnly: false, names: ['c'] },
    ],
    replies: [
      {
        collections: [
          { ...listed, loaded: true },
          { ...listed, loaded: false },
        ],
      },
      { collections: [] },
    ],
  },
  RenameCollection: one({ ...c, newName: 'e', newDb: 'd' }, { ...c, newName: 'e', newDb: 'f' }),
  AlterCollection: one({ ...c, set: { a: 'b' }, remove: [] }, { ...c, set: {}, remove: ['a'] }),
  AddCollectionField: one({ ...c, field: { ...bareField('n', 'Int64'), nullable: true, defaultValue: MAX } }),
  GetCollectionStatistics: { requests: [c], replies: [{ rowCount: 2n ** 60n }] },
  CreatePartition: one(inPartition),
  DropPartition: one(inPartition),
  HasPartition: { requests: [inPartition], replies: [{ value: true }] },
  ShowPartitions: {
    requests: inPartitions,
    replies: [
      {
        partitions: [
          { ...listed, loaded: true },
          { ...listed, loaded: false },
        ],
      },
    ],
  },
  GetPartitionStatistics: { requests: [inPartition], replies: [{ rowCount: 0n }] },
  CreateAlias: alias,
  DropAlias: one({ db: 'd', alias: 'a' }),
  AlterAlias: alias,
  DescribeAlias: { requests: [{ db: 'd', alias: 'a' }], replies: [{ db: 'd', alias: 'a', collection: 'c' }] },
  ListAliases: { requests: [c, { db: 'd', collection: '' }], replies: [{ aliases: ['a', 'b'] }, { aliases: [] }] },
  LoadCollection: one({ ...c, refresh: false }, { ...c, refresh: true }),
  ReleaseCollection: one(c),
  LoadPartitions: one(...inPartitions),
  ReleasePartitions: one(...inPartitions),
  GetLoadingProgress: { requests: inPartitions, replies: [{ progress: 57 }] },
  GetLoadState: {
    requests: inPartitions,
    replies: [{ state: 'NotExist' }, { state: 'NotLoad' }, { state: 'Loading' }, { state: 'Loaded' }],
  },
  CreateIndex: one({ ...index, params: { index_type: 'HNSW', metric_type: 'L2', M: '8' } }),
  DescribeIndex: { requests: [index, { ...c, name: '', field: '' }], replies: [{ indexes }, { indexes: [] }] },
  DropIndex: one(index),
  GetIndexState: { requests: [index], replies: [{ state: 'Unissued', failReason: '' }] },
  GetIndexBuildProgress: { requests: [index], replies: [{ indexedRows: 3n, totalRows: 5n }] },
  GetIndexStatistics: { requests: [{ ...c, name: 'vi' }], replies: [{ indexes }] },
  Insert: {
    requests: [write, { ...write, partition: '' }],
    replies: [{ ids: { kind: 'long', values: BigInt64Array.of(MAX, 1n) }, count: 2, ts: TS }],
  },
  Upsert: { requests: [write], replies: [{ ids: { kind: 'string', values: ['é'] }, count: 1, ts: TS }] },
  Delete: { requests: [{ ...inPartition, filter: 'n > {big}', templates }], replies: [{ count: 3, ts: TS }] },
  Search: {
    requests: [search, iterating, growingIgnored, byBits, bySparse, byIds, byNames, grouped],
    replies: [searchReply, noHits, groupedReply],
  },
  HybridSearch: { requests: [hybrid, weighted], replies: [searchReply, groupedReply] },
  Query: {
    requests: [query, { ...query, limit: null, offset: 0, consistency: null, templates: {} }],
    replies: [queryReply, { ...queryReply, rowCount: 0, columns: [], outputFields: [] }],
  },
  Flush: {
    requests: [{ db: 'd', collections: ['c', 'e'] }],
    replies: [{ segments: { c: [MAX, 1n], e: [] }, sealTimes: { c: 5n, e: 6n }, flushTs: { c: TS, e: TS } }],
  },
  GetFlushState: {
    requests: [{ ...c, segmentIds: [MAX], flushTs: TS }],
    replies: [{ flushed: true }, { flushed: false }],
  },
  CreateCredential: one({ user: 'u', password: new Secret('pässword') }),
  UpdateCredential: one({ user: 'u', oldPassword: new Secret('a'), newPassword: new Secret('') }),
  DeleteCredential: one({ user: 'u' }),
  ListCredUsers: { requests: nothing, replies: [{ users: ['root', 'u'] }] },
  ...roleSamples,
}
