import type { RequestOf, Rpc } from '../model/calls.ts'
import { DEFAULT_DATABASE } from '../model/schema.ts'
import type { Target } from './op.ts'

/** `object_name_index` -1 of Milvus' declarations. */
const ANY = '*'

/**
 * About the cluster: users, roles, databases. Milvus decides these in the database of the connection; nothing of a
 * request names it, so they are decided in `default`, and grants on every database hold there too.
 */
const CLUSTER: readonly Target[] = Object.freeze([{ db: DEFAULT_DATABASE, name: ANY }])
/** Milvus declares no privilege: a login is enough, and what is shown is narrowed (`auth/visible.ts`). */
const LOGIN: readonly Target[] = CLUSTER

const cluster = () => CLUSTER
const login = () => LOGIN
const database = ({ db }: { db: string }): readonly Target[] => [{ db, name: ANY }]
const collection = (request: { db: string; collection: string }): readonly Target[] => [
  { db: request.db, name: request.collection },
]
const user = (name: string | null): readonly Target[] => [{ db: DEFAULT_DATABASE, name: name ?? '' }]

/**
 * What each RPC is about, by the field that Milvus declares to hold the object's name (`object_name_index`,
 * `object_name_indexs`); the database is that of the request. `objects.test.ts` compares each row with the declaration.
 */
const objects: { readonly [R in Rpc]: (request: RequestOf<R>) => readonly Target[] } = {
  Connect: login,
  GetVersion: login,
  CheckHealth: login,
  GetComponentStates: login,
  AllocTimestamp: login,
  CreateDatabase: cluster,
  DropDatabase: cluster,
  ListDatabases: login,
  DescribeDatabase: database,
  AlterDatabase: database,
  CreateCollection: database,
  DropCollection: database,
  HasCollection: login,
  DescribeCollection: database,
  ShowCollections: login,
  // in both databases, where Milvus asks in that of the connection alone
  RenameCollection: ({ db, newDb }) => [...database({ db }), ...(newDb === db ? [] : database({ db: newDb }))],
  AlterCollection: database,
  AddCollectionField: collection,
  GetCollectionStatistics: collection,
  CreatePartition: collection,
  DropPartition: collection,
  HasPartition: collection,
  ShowPartitions: collection,
  GetPartitionStatistics: login,
  CreateAlias: database,
  DropAlias: database,
  AlterAlias: database,
  DescribeAlias: database,
  ListAliases: database,
  LoadCollection: collection,
  ReleaseCollection: collection,
  LoadPartitions: collection,
  ReleasePartitions: collection,
  GetLoadingProgress: collection,
  GetLoadState: collection,
  CreateIndex: collection,
  DescribeIndex: collection,
  DropIndex: collection,
  GetIndexState: collection,
  GetIndexBuildProgress: collection,
  GetIndexStatistics: collection,
  Insert: collection,
  Upsert: collection,
  Delete: collection,
  Search: collection,
  HybridSearch: collection,
  Query: collection,
  Flush: ({ db, collections }) => collections.map((name) => ({ db, name })),
  GetFlushState: collection,
  CreateCredential: cluster,
  UpdateCredential: (request) => user(request.user),
  DeleteCredential: cluster,
  ListCredUsers: cluster,
  CreateRole: cluster,
  DropRole: cluster,
  OperateUserRole: cluster,
  SelectRole: cluster,
  SelectUser: (request) => user(request.user),
  OperatePrivilege: cluster,
  OperatePrivilegeV2: cluster,
  SelectGrant: cluster,
  CreatePrivilegeGroup: cluster,
  DropPrivilegeGroup: cluster,
  ListPrivilegeGroups: cluster,
  OperatePrivilegeGroup: cluster,
}

/** What a caller must hold the privilege of an RPC on, all of it. */
export function targetsOf<R extends Rpc>(rpc: R, request: RequestOf<R>): readonly Target[] {
  return objects[rpc](request)
}
