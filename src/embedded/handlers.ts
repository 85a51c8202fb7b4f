import type { Rpc } from '../model/calls.ts'
import { addCollectionField } from './add-field.ts'
import * as aliases from './aliases.ts'
import * as collections from './collections.ts'
import * as databases from './databases.ts'
import * as flushes from './flush.ts'
import { hybridSearch } from './hybrid-search.ts'
import * as indexes from './indexes.ts'
import * as loads from './load.ts'
import * as partitions from './partitions.ts'
import { query } from './query.ts'
import * as rows from './rows.ts'
import { search } from './search.ts'
import * as session from './session.ts'
import { byUsers } from './users.ts'
import type { Handler } from './world.ts'

/** Every call of the service and the function that answers it; a missing one does not compile. */
export const handlers: { readonly [R in Rpc]: Handler<R> } = {
  Connect: session.connect,
  GetVersion: session.getVersion,
  CheckHealth: session.checkHealth,
  GetComponentStates: session.getComponentStates,
  AllocTimestamp: session.allocTimestamp,
  CreateDatabase: databases.createDatabase,
  DropDatabase: databases.dropDatabase,
  ListDatabases: databases.listDatabases,
  DescribeDatabase: databases.describeDatabase,
  AlterDatabase: databases.alterDatabase,
  CreateCollection: collections.createCollection,
  DropCollection: collections.dropCollection,
  HasCollection: collections.hasCollection,
  DescribeCollection: collections.describeCollection,
  ShowCollections: collections.showCollections,
  RenameCollection: collections.renameCollection,
  AlterCollection: collections.alterCollection,
  AddCollectionField: addCollectionField,
  GetCollectionStatistics: collections.getCollectionStatistics,
  CreatePartition: partitions.createPartition,
  DropPartition: partitions.dropPartition,
  HasPartition: partitions.hasPartition,
  ShowPartitions: partitions.showPartitions,
  GetPartitionStatistics: partitions.getPartitionStatistics,
  CreateAlias: aliases.createAlias,
  DropAlias: aliases.dropAlias,
  AlterAlias: aliases.alterAlias,
  DescribeAlias: aliases.describeAlias,
  ListAliases: aliases.listAliases,
  LoadCollection: loads.loadCollection,
  ReleaseCollection: loads.releaseCollection,
  LoadPartitions: loads.loadPartitions,
  ReleasePartitions: loads.releasePartitions,
  GetLoadingProgress: loads.getLoadingProgress,
  GetLoadState: loads.getLoadState,
  CreateIndex: indexes.createIndex,
  DescribeIndex: indexes.describeIndex,
  DropIndex: indexes.dropIndex,
  GetIndexState: indexes.getIndexState,
  GetIndexBuildProgress: indexes.getIndexBuildProgress,
  GetIndexStatistics: indexes.getIndexStatistics,
  Insert: rows.insert,
  Upsert: rows.upsert,
  Delete: rows.remove,
  Search: search,
  HybridSearch: hybridSearch,
  Query: query,
  Flush: flushes.flush,
  GetFlushState: flushes.getFlushState,
  CreateCredential: byUsers('CreateCredential'),
  UpdateCredential: byUsers('UpdateCredential'),
  DeleteCredential: byUsers('DeleteCredential'),
  ListCredUsers: byUsers('ListCredUsers'),
  CreateRole: byUsers('CreateRole'),
  DropRole: byUsers('DropRole'),
  OperateUserRole: byUsers('OperateUserRole'),
  SelectRole: byUsers('SelectRole'),
  SelectUser: byUsers('SelectUser'),
  OperatePrivilege: byUsers('OperatePrivilege'),
  OperatePrivilegeV2: byUsers('OperatePrivilegeV2'),
  SelectGrant: byUsers('SelectGrant'),
  CreatePrivilegeGroup: byUsers('CreatePrivilegeGroup'),
  DropPrivilegeGroup: byUsers('DropPrivilegeGroup'),
  ListPrivilegeGroups: byUsers('ListPrivilegeGroups'),
  OperatePrivilegeGroup: byUsers('OperatePrivilegeGroup'),
}
