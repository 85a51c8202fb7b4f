/**
 * The calls of the service: one request and one reply shape an RPC, in plain data. `ops/` translate gRPC and REST
 * to and from these; `embedded/` answers them; nothing here knows a wire format.
 * Names are Milvus' RPC names. Absent strings are '' as in proto3; `db` is already resolved (never empty).
 */
import type { Column, ColumnBatch, Ids } from './columns.ts'
import type { RoleCalls } from './role-calls.ts'
import type { CollectionSchema, ConsistencyLevel, FieldSchema, Properties } from './schema.ts'
import type { Grouping, HybridSearchRequest } from './search-calls.ts'
import type { VectorKind } from './vectors.ts'

/** Hybrid timestamp: unix milliseconds << 18 | logical counter (Milvus TSO). */
export type HybridTs = bigint

export interface InCollection {
  readonly db: string
  readonly collection: string
}
export interface InPartitions extends InCollection {
  readonly partitions: readonly string[]
}

export interface CollectionInfo {
  readonly db: string
  readonly dbId: bigint
  readonly id: bigint
  readonly schema: CollectionSchema
  readonly aliases: readonly string[]
  readonly consistency: ConsistencyLevel
  readonly shards: number
  readonly partitionCount: number
  readonly properties: Properties
  readonly createdAt: HybridTs
  readonly updatedAt: HybridTs
}

export interface IndexInfo {
  readonly name: string
  readonly id: bigint
  readonly field: string
  /** The user's own parameters, as DescribeIndex returns them (`index_type`, `metric_type`, `M` …). */
  readonly params: Properties
  readonly totalRows: bigint
  readonly indexedRows: bigint
  readonly pendingRows: bigint
  readonly state: 'Unissued' | 'InProgress' | 'Finished' | 'Failed'
  readonly failReason: string
  /** Smallest and largest version of the index's segments; absent = the one of this server. */
  readonly versions?: readonly [min: number, max: number]
}

/** Query vectors as on the wire, one a query. */
export interface PackedQueries {
  readonly kind: Exclude<VectorKind, 'floatVector'>
  readonly values: readonly Uint8Array[]
}

export interface SearchRequest extends InPartitions {
  readonly field: string
  readonly filter: string
  readonly templates: Readonly<Record<string, TemplateValue>>
  /** nq x dim, row-major. */
  readonly vectors: Float32Array
  readonly nq: number
  /** Query vectors of another type than FloatVector, each as on the wire; `vectors` is empty then. */
  readonly packed?: PackedQueries
  /** Bytes of one query vector as received: the wrong-length check quotes them. */
  readonly vectorBytes: number
  /** The stored vectors of these rows are searched for, one query a key; `vectors` is empty then. null = by vectors. */
  readonly ids: Ids | null
  readonly grouping: Grouping | null
  readonly topk: number
  readonly offset: number
  readonly metric: string
  /** The JSON of `params` merged with the flat ones: ef, nprobe, radius, range_filter, level … */
  readonly params: Readonly<Record<string, unknown>>
  readonly outputFields: readonly string[]
  readonly roundDecimal: number
  /** Search iterator v2: a page of hits strictly worse than `lastBound` (null = the first page); null = no iterator. */
  readonly iterator: { readonly token: string; readonly lastBound: number | null } | null
  readonly consistency: ConsistencyLevel | null
  readonly guaranteeTs: HybridTs
}
export type TemplateValue = boolean | bigint | number | string | readonly TemplateValue[]

/** Hits of all queries behind one another; `counts[q]` of them belong to query q. */
export interface SearchReply {
  readonly collection: string
  readonly primaryField: string
  readonly counts: Int32Array
  readonly ids: Ids
  readonly scores: Float32Array
  /** Output columns aligned with `ids`; a `$meta` column holds only the wanted dynamic keys. */
  readonly columns: readonly Column[]
  /** As the user wrote them. */
  readonly outputFields: readonly string[]
  readonly topk: number
  readonly sessionTs: HybridTs
  /** Search iterator v2: what the next page hands back. */
  readonly iterator: { readonly token: string; readonly lastBound: number } | null
  /** Grouping: the group of each hit, in the same order. */
  readonly groupValues: Column | null
}

export interface QueryRequest extends InPartitions {
  readonly filter: string
  readonly templates: Readonly<Record<string, TemplateValue>>
  readonly outputFields: readonly string[]
  /** null = not given. */
  readonly limit: number | null
  readonly offset: number
  readonly consistency: ConsistencyLevel | null
  readonly guaranteeTs: HybridTs
}
export interface QueryReply {
  readonly collection: string
  readonly primaryField: string
  readonly rowCount: number
  readonly columns: readonly Column[]
  readonly outputFields: readonly string[]
  readonly sessionTs: HybridTs
}

export interface WriteRequest extends InCollection {
  readonly partition: string
  readonly rows: ColumnBatch
}
export interface MutationReply {
  readonly ids: Ids
  readonly count: number
  readonly ts: HybridTs
}

export interface ClientInfo {
  readonly sdkType: string
  readonly sdkVersion: string
  readonly user: string
  readonly host: string
  readonly localTime: string
}

export interface Calls extends RoleCalls {
  Connect: { request: { db: string; client: ClientInfo }; reply: { identifier: bigint } }
  GetVersion: { request: Record<never, never>; reply: { version: string } }
  CheckHealth: { request: Record<never, never>; reply: { healthy: boolean; reasons: readonly string[] } }
  GetComponentStates: { request: Record<never, never>; reply: { healthy: boolean } }
  AllocTimestamp: { request: Record<never, never>; reply: { ts: HybridTs } }

  CreateDatabase: { request: { db: string; properties: Properties }; reply: null }
  DropDatabase: { request: { db: string }; reply: null }
  ListDatabases: {
    request: Record<never, never>
    reply: { databases: readonly { name: string; id: bigint; createdAt: HybridTs }[] }
  }
  DescribeDatabase: {
    request: { db: string }
    reply: { db: string; id: bigint; createdAt: HybridTs; properties: Properties }
  }
  AlterDatabase: { request: { db: string; set: Properties; remove: readonly string[] }; reply: null }

  CreateCollection: {
    request: InCollection & {
      schema: CollectionSchema
      shards: number
      consistency: ConsistencyLevel
      properties: Properties
      partitionCount: number
    }
    reply: null
  }
  DropCollection: { request: InCollection; reply: null }
  HasCollection: { request: InCollection; reply: { value: boolean } }
  /** By name, or by id when the name is empty. */
  DescribeCollection: { request: InCollection & { collectionId: bigint }; reply: CollectionInfo }
  ShowCollections: {
    request: { db: string; loadedOnly: boolean; names: readonly string[] }
    reply: { collections: readonly { name: string; id: bigint; createdAt: HybridTs; loaded: boolean }[] }
  }
  RenameCollection: { request: InCollection & { newName: string; newDb: string }; reply: null }
  AlterCollection: { request: InCollection & { set: Properties; remove: readonly string[] }; reply: null }
  /** The field's id is the server's to give. */
  AddCollectionField: { request: InCollection & { field: FieldSchema }; reply: null }
  GetCollectionStatistics: { request: InCollection; reply: { rowCount: bigint } }

  CreatePartition: { request: InCollection & { partition: string }; reply: null }
  DropPartition: { request: InCollection & { partition: string }; reply: null }
  HasPartition: { request: InCollection & { partition: string }; reply: { value: boolean } }
  ShowPartitions: {
    request: InPartitions
    reply: { partitions: readonly { name: string; id: bigint; createdAt: HybridTs; loaded: boolean }[] }
  }
  GetPartitionStatistics: { request: InCollection & { partition: string }; reply: { rowCount: bigint } }

  CreateAlias: { request: InCollection & { alias: string }; reply: null }
  DropAlias: { request: { db: string; alias: string }; reply: null }
  AlterAlias: { request: InCollection & { alias: string }; reply: null }
  DescribeAlias: { request: { db: string; alias: string }; reply: { db: string; alias: string; collection: string } }
  ListAliases: { request: InCollection; reply: { aliases: readonly string[] } }

  /** `refresh`: show what was imported since it was loaded; without meaning where a load is always fresh. */
  LoadCollection: { request: InCollection & { refresh: boolean }; reply: null }
  ReleaseCollection: { request: InCollection; reply: null }
  LoadPartitions: { request: InPartitions; reply: null }
  ReleasePartitions: { request: InPartitions; reply: null }
  GetLoadingProgress: { request: InPartitions; reply: { progress: number } }
  GetLoadState: { request: InPartitions; reply: { state: 'NotExist' | 'NotLoad' | 'Loading' | 'Loaded' } }

  CreateIndex: { request: InCollection & { field: string; name: string; params: Properties }; reply: null }
  /** `name` and `field` may be empty: all indexes. */
  DescribeIndex: {
    request: InCollection & { name: string; field: string }
    reply: { indexes: readonly IndexInfo[] }
  }
  DropIndex: { request: InCollection & { name: string; field: string }; reply: null }
  GetIndexState: {
    request: InCollection & { name: string; field: string }
    reply: { state: IndexInfo['state']; failReason: string }
  }
  GetIndexBuildProgress: {
    request: InCollection & { name: string; field: string }
    reply: { indexedRows: bigint; totalRows: bigint }
  }
  GetIndexStatistics: { request: InCollection & { name: string }; reply: { indexes: readonly IndexInfo[] } }

  Insert: { request: WriteRequest; reply: MutationReply }
  Upsert: { request: WriteRequest; reply: MutationReply }
  Delete: {
    request: InCollection & { partition: string; filter: string; templates: Readonly<Record<string, TemplateValue>> }
    reply: { count: number; ts: HybridTs }
  }
  Search: { request: SearchRequest; reply: SearchReply }
  HybridSearch: { request: HybridSearchRequest; reply: SearchReply }
  Query: { request: QueryRequest; reply: QueryReply }

  Flush: {
    request: { db: string; collections: readonly string[] }
    reply: {
      segments: Readonly<Record<string, readonly bigint[]>>
      sealTimes: Readonly<Record<string, bigint>>
      flushTs: Readonly<Record<string, HybridTs>>
    }
  }
  GetFlushState: {
    /** `segmentIds` and `flushTs` as Flush gave them; 0n = not given. */
    request: { db: string; collection: string; segmentIds: readonly bigint[]; flushTs: HybridTs }
    reply: { flushed: boolean }
  }

  /** Passwords arrive in the clear here: `ops/` undo the wire's base64. */
  CreateCredential: { request: { user: string; password: Secret }; reply: null }
  UpdateCredential: { request: { user: string; oldPassword: Secret; newPassword: Secret }; reply: null }
  DeleteCredential: { request: { user: string }; reply: null }
  ListCredUsers: { request: Record<never, never>; reply: { users: readonly string[] } }
}

export type Rpc = keyof Calls
export type RequestOf<R extends Rpc> = Calls[R]['request']
export type ReplyOf<R extends Rpc> = Calls[R]['reply']

/** A string that prints as `***`, in logs, errors and JSON alike. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  /** The clear text; call it only where it is checked or hashed. */
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return '***'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***'
  }
}
