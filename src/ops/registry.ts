import type { Rpc } from '../model/calls.ts'
import { addCollectionField } from './add-collection-field.ts'
import { allocTimestamp } from './alloc-timestamp.ts'
import { alterAlias } from './alter-alias.ts'
import { alterCollection } from './alter-collection.ts'
import { alterDatabase } from './alter-database.ts'
import { checkHealth } from './check-health.ts'
import { connect } from './connect.ts'
import { createAlias } from './create-alias.ts'
import { createCollection } from './create-collection.ts'
import { createCredential } from './create-credential.ts'
import { createDatabase } from './create-database.ts'
import { createIndex } from './create-index.ts'
import { createPartition } from './create-partition.ts'
import { createPrivilegeGroup } from './create-privilege-group.ts'
import { createRole } from './create-role.ts'
import { deleteRows } from './delete.ts'
import { deleteCredential } from './delete-credential.ts'
import { describeAlias } from './describe-alias.ts'
import { describeCollection } from './describe-collection.ts'
import { describeDatabase } from './describe-database.ts'
import { describeIndex } from './describe-index.ts'
import { dropAlias } from './drop-alias.ts'
import { dropCollection } from './drop-collection.ts'
import { dropDatabase } from './drop-database.ts'
import { dropIndex } from './drop-index.ts'
import { dropPartition } from './drop-partition.ts'
import { dropPrivilegeGroup } from './drop-privilege-group.ts'
import { dropRole } from './drop-role.ts'
import { flush } from './flush.ts'
import { getCollectionStatistics } from './get-collection-statistics.ts'
import { getComponentStates } from './get-component-states.ts'
import { getFlushState } from './get-flush-state.ts'
import { getIndexBuildProgress } from './get-index-build-progress.ts'
import { getIndexState } from './get-index-state.ts'
import { getIndexStatistics } from './get-index-statistics.ts'
import { getLoadState } from './get-load-state.ts'
import { getLoadingProgress } from './get-loading-progress.ts'
import { getPartitionStatistics } from './get-partition-statistics.ts'
import { getVersion } from './get-version.ts'
import { hasCollection } from './has-collection.ts'
import { hasPartition } from './has-partition.ts'
import { hybridSearch } from './hybrid-search.ts'
import { insert } from './insert.ts'
import { listAliases } from './list-aliases.ts'
import { listCredUsers } from './list-cred-users.ts'
import { listDatabases } from './list-databases.ts'
import { listPrivilegeGroups } from './list-privilege-groups.ts'
import { loadCollection } from './load-collection.ts'
import { loadPartitions } from './load-partitions.ts'
import type { Op, RestRoute } from './op.ts'
import { operatePrivilege } from './operate-privilege.ts'
import { operatePrivilegeGroup } from './operate-privilege-group.ts'
import { operatePrivilegeV2 } from './operate-privilege-v2.ts'
import { operateUserRole } from './operate-user-role.ts'
import { query } from './query.ts'
import { releaseCollection } from './release-collection.ts'
import { releasePartitions } from './release-partitions.ts'
import { renameCollection } from './rename-collection.ts'
import { search } from './search.ts'
import { selectGrant } from './select-grant.ts'
import { selectRole } from './select-role.ts'
import { selectUser } from './select-user.ts'
import { showCollections } from './show-collections.ts'
import { showPartitions } from './show-partitions.ts'
import { updateCredential } from './update-credential.ts'
import { upsert } from './upsert.ts'

/** Every RPC that is served; one without its op does not compile. */
export const ops: { readonly [R in Rpc]: Op<R> } = {
  Connect: connect,
  GetVersion: getVersion,
  CheckHealth: checkHealth,
  GetComponentStates: getComponentStates,
  AllocTimestamp: allocTimestamp,
  CreateDatabase: createDatabase,
  DropDatabase: dropDatabase,
  ListDatabases: listDatabases,
  DescribeDatabase: describeDatabase,
  AlterDatabase: alterDatabase,
  CreateCollection: createCollection,
  DropCollection: dropCollection,
  HasCollection: hasCollection,
  DescribeCollection: describeCollection,
  ShowCollections: showCollections,
  RenameCollection: renameCollection,
  AlterCollection: alterCollection,
  AddCollectionField: addCollectionField,
  GetCollectionStatistics: getCollectionStatistics,
  CreatePartition: createPartition,
  DropPartition: dropPartition,
  HasPartition: hasPartition,
  ShowPartitions: showPartitions,
  GetPartitionStatistics: getPartitionStatistics,
  CreateAlias: createAlias,
  DropAlias: dropAlias,
  AlterAlias: alterAlias,
  DescribeAlias: describeAlias,
  ListAliases: listAliases,
  LoadCollection: loadCollection,
  ReleaseCollection: releaseCollection,
  LoadPartitions: loadPartitions,
  ReleasePartitions: releasePartitions,
  GetLoadingProgress: getLoadingProgress,
  GetLoadState: getLoadState,
  CreateIndex: createIndex,
  DescribeIndex: describeIndex,
  DropIndex: dropIndex,
  GetIndexState: getIndexState,
  GetIndexBuildProgress: getIndexBuildProgress,
  GetIndexStatistics: getIndexStatistics,
  Insert: insert,
  Upsert: upsert,
  Delete: deleteRows,
  Search: search,
  HybridSearch: hybridSearch,
  Query: query,
  Flush: flush,
  GetFlushState: getFlushState,
  CreateCredential: createCredential,
  UpdateCredential: updateCredential,
  DeleteCredential: deleteCredential,
  ListCredUsers: listCredUsers,
  CreateRole: createRole,
  DropRole: dropRole,
  OperateUserRole: operateUserRole,
  SelectRole: selectRole,
  SelectUser: selectUser,
  OperatePrivilege: operatePrivilege,
  OperatePrivilegeV2: operatePrivilegeV2,
  SelectGrant: selectGrant,
  CreatePrivilegeGroup: createPrivilegeGroup,
  DropPrivilegeGroup: dropPrivilegeGroup,
  ListPrivilegeGroups: listPrivilegeGroups,
  OperatePrivilegeGroup: operatePrivilegeGroup,
}

/** Whether `name` (an RPC's name, as in the gRPC path) is served. */
export function isRpc(name: string): name is Rpc {
  return Object.hasOwn(ops, name)
}

/** The op of an RPC by its name; null where it is not served. */
export function opByRpc(name: string): Op | null {
  // an op of one RPC is used with its own requests only: decode makes them, the service answers them
  return isRpc(name) ? (ops[name] as unknown as Op) : null
}

/** Every REST route of every op. */
export const restRoutes: readonly RestRoute[] = Object.values(ops).flatMap((op) => [...op.rest])
