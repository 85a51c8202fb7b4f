/**
 * Milvus' privileges, the objects and levels they are about, and its built-in groups (2.6 `pkg/util/constant.go`,
 * `common.ObjectPrivilege`). Names are those of the API: without `Privilege`. `ops/privilege-names.test.ts` holds them
 * against the protocol.
 */
export type PrivilegeObject = 'Global' | 'Collection' | 'User'

/** Whether a word names one of the three. */
export function isPrivilegeObject(object: string): object is PrivilegeObject {
  return object === 'Global' || object === 'Collection' || object === 'User'
}

/** What a grant of it may be narrowed to. */
export type PrivilegeLevel = 'Cluster' | 'Database' | 'Collection'

/** Matches every name: of a privilege, of an object, of a database. */
export const ANY = '*'
export const ROLE_ADMIN = 'admin'
export const ROLE_PUBLIC = 'public'
/** Everything in a database. */
export const ALL = 'All'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const BY_OBJECT: Readonly<Record<PrivilegeObject, readonly string[]>> = {
  Collection: words(`
    Load Release Compaction Insert Delete Upsert GetStatistics CreateIndex IndexDetail DropIndex Search Flush Query
    LoadBalance Import GetLoadingProgress GetLoadState CreatePartition DropPartition ShowPartitions HasPartition
    GetFlushState AddCollectionField AlterCollectionSchema CreateSnapshot DropSnapshot DescribeSnapshot ListSnapshots
    RestoreSnapshot RefreshExternalCollection`),
  Global: words(`
    All CreateCollection DropCollection DescribeCollection ShowCollections RenameCollection CreateOwnership
    DropOwnership SelectOwnership ManageOwnership BackupRBAC RestoreRBAC CreateResourceGroup UpdateResourceGroups
    DropResourceGroup DescribeResourceGroup ListResourceGroups TransferReplica TransferNode FlushAll CreateDatabase
    DropDatabase ListDatabases AlterDatabase DescribeDatabase CreateAlias DropAlias DescribeAlias ListAliases
    CreatePrivilegeGroup DropPrivilegeGroup ListPrivilegeGroups OperatePrivilegeGroup GetImportProgress ListImport
    AddFileResource RemoveFileResource ListFileResources UpdateReplicateConfiguration GetReplicateConfiguration
    PinSnapshotData UnpinSnapshotData RestoreExternalSnapshot ExportSnapshot`),
  User: words('UpdateUser SelectUser'),
}

const collectionReadOnly = words(`
  Query Search IndexDetail GetFlushState GetLoadState GetLoadingProgress HasPartition ShowPartitions DescribeCollection
  DescribeAlias GetStatistics ListAliases GetImportProgress ListImport`)
const collectionReadWrite = words(`
  ${collectionReadOnly.join(' ')} Load Release Insert Delete Upsert Import Flush Compaction LoadBalance CreateIndex
  DropIndex CreatePartition DropPartition AddCollectionField`)
const collectionAdmin = [...collectionReadWrite, 'CreateAlias', 'DropAlias']
const databaseReadOnly = words('ShowCollections DescribeDatabase')
const databaseReadWrite = [...databaseReadOnly, 'AlterDatabase']
const databaseAdmin = [...databaseReadWrite, 'CreateCollection', 'DropCollection']
const clusterReadOnly = words(`
  ListDatabases SelectOwnership SelectUser DescribeResourceGroup ListResourceGroups ListPrivilegeGroups
  ListFileResources GetReplicateConfiguration`)
const clusterReadWrite = words(`
  ${clusterReadOnly.join(' ')} FlushAll TransferNode TransferReplica UpdateResourceGroups AddFileResource
  RemoveFileResource`)
const clusterAdmin = words(`
  ${clusterReadWrite.join(' ')} BackupRBAC RestoreRBAC CreateDatabase DropDatabase CreateOwnership DropOwnership
  ManageOwnership CreateResourceGroup DropResourceGroup UpdateUser RenameCollection CreatePrivilegeGroup
  DropPrivilegeGroup OperatePrivilegeGroup UpdateReplicateConfiguration`)

/** The groups of grants v1; granted by object, so that their names are no groups of v2. */
const readOnly = words(`
  Query Search IndexDetail GetFlushState GetLoadState GetLoadingProgress HasPartition ShowPartitions ShowCollections
  ListAliases ListDatabases DescribeCollection DescribeDatabase DescribeAlias GetStatistics`)
const readWrite = words(`
  ${readOnly.join(' ')} CreateIndex DropIndex CreatePartition DropPartition Load Release Insert Delete Upsert Import
  Flush Compaction LoadBalance RenameCollection CreateAlias DropAlias`)
const admin = words(`
  ${readWrite.join(' ')} CreateCollection DropCollection CreateOwnership DropOwnership SelectOwnership ManageOwnership
  SelectUser UpdateUser BackupRBAC RestoreRBAC CreateResourceGroup UpdateResourceGroups DropResourceGroup
  DescribeResourceGroup ListResourceGroups TransferReplica TransferNode CreateDatabase DropDatabase AlterDatabase`)

const V1_GROUPS: ReadonlyMap<string, readonly string[]> = new Map([
  ['ReadOnly', readOnly],
  ['ReadWrite', readWrite],
  ['Admin', admin],
])

/** Groups by level: what they hold cannot be changed. */
export const BUILT_IN_GROUPS: ReadonlyMap<string, readonly string[]> = new Map([
  ['ClusterReadOnly', clusterReadOnly],
  ['ClusterReadWrite', clusterReadWrite],
  ['ClusterAdmin', clusterAdmin],
  ['DatabaseReadOnly', databaseReadOnly],
  ['DatabaseReadWrite', databaseReadWrite],
  ['DatabaseAdmin', databaseAdmin],
  ['CollectionReadOnly', collectionReadOnly],
  ['CollectionReadWrite', collectionReadWrite],
  ['CollectionAdmin', collectionAdmin],
])

/** What a privilege brings with it. */
export const RELATED: ReadonlyMap<string, readonly string[]> = new Map([
  ['Load', ['GetLoadState', 'GetLoadingProgress']],
  ['Flush', ['GetFlushState']],
])

const objectByName: ReadonlyMap<string, PrivilegeObject> = new Map(
  (['Collection', 'Global', 'User'] as const).flatMap((object) =>
    BY_OBJECT[object].map((name) => [name, object] as const),
  ),
)

/** Every privilege by its name; groups are not among them. */
export const PRIVILEGES: readonly string[] = [...objectByName.keys()]

/** What a privilege is about; null = there is no such privilege. */
export function objectOf(privilege: string): PrivilegeObject | null {
  return objectByName.get(privilege) ?? null
}

/** Every privilege on objects of a type. */
export function privilegesOn(object: PrivilegeObject): readonly string[] {
  return BY_OBJECT[object]
}

/** What the built-in group of this name holds, by object (v1) or by level; null = there is none. */
export function builtInGroup(name: string): readonly string[] | null {
  return BUILT_IN_GROUPS.get(name) ?? V1_GROUPS.get(name) ?? null
}

/** Whether Milvus itself defines a privilege or a group of this name. */
export function isDefined(name: string): boolean {
  return objectByName.has(name) || builtInGroup(name) !== null
}

/** Names that a grant of v1 takes on objects of this type. */
export function isGrantableOn(object: PrivilegeObject, name: string): boolean {
  if (objectByName.get(name) === object) return true
  return object === 'Collection' ? name === 'ReadOnly' || name === 'ReadWrite' : object === 'Global' && name === 'Admin'
}

/** Null for a privilege that belongs to no level (`All`) and for an unknown name. */
export function levelOf(privilege: string): PrivilegeLevel | null {
  if (clusterAdmin.includes(privilege)) return 'Cluster'
  if (databaseAdmin.includes(privilege)) return 'Database'
  if (collectionAdmin.includes(privilege) || objectByName.get(privilege) === 'Collection') return 'Collection'
  return null
}
