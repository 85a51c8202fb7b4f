import type { Rpc } from '../model/calls.ts'

/** What a call does, as far as the audit log cares. */
export type AuditClass = 'admin' | 'write' | 'read'
/** `redkite.audit.level`. */
export type AuditLevel = 'admin' | 'write' | 'all'

/** Complete on purpose: an RPC that nobody classed does not compile. */
const CLASSES = {
  Connect: 'read',
  GetVersion: 'read',
  CheckHealth: 'read',
  GetComponentStates: 'read',
  AllocTimestamp: 'read',
  CreateDatabase: 'admin',
  DropDatabase: 'admin',
  ListDatabases: 'read',
  DescribeDatabase: 'read',
  AlterDatabase: 'admin',
  CreateCollection: 'admin',
  DropCollection: 'admin',
  HasCollection: 'read',
  DescribeCollection: 'read',
  ShowCollections: 'read',
  RenameCollection: 'admin',
  AlterCollection: 'admin',
  AddCollectionField: 'admin',
  GetCollectionStatistics: 'read',
  CreatePartition: 'admin',
  DropPartition: 'admin',
  HasPartition: 'read',
  ShowPartitions: 'read',
  GetPartitionStatistics: 'read',
  CreateAlias: 'admin',
  DropAlias: 'admin',
  AlterAlias: 'admin',
  DescribeAlias: 'read',
  ListAliases: 'read',
  LoadCollection: 'admin',
  ReleaseCollection: 'admin',
  LoadPartitions: 'admin',
  ReleasePartitions: 'admin',
  GetLoadingProgress: 'read',
  GetLoadState: 'read',
  CreateIndex: 'admin',
  DescribeIndex: 'read',
  DropIndex: 'admin',
  GetIndexState: 'read',
  GetIndexBuildProgress: 'read',
  GetIndexStatistics: 'read',
  Insert: 'write',
  Upsert: 'write',
  Delete: 'write',
  Search: 'read',
  HybridSearch: 'read',
  Query: 'read',
  Flush: 'write',
  GetFlushState: 'read',
  CreateCredential: 'admin',
  UpdateCredential: 'admin',
  DeleteCredential: 'admin',
  ListCredUsers: 'read',
  CreateRole: 'admin',
  DropRole: 'admin',
  OperateUserRole: 'admin',
  SelectRole: 'read',
  SelectUser: 'read',
  OperatePrivilege: 'admin',
  OperatePrivilegeV2: 'admin',
  SelectGrant: 'read',
  CreatePrivilegeGroup: 'admin',
  DropPrivilegeGroup: 'admin',
  ListPrivilegeGroups: 'read',
  OperatePrivilegeGroup: 'admin',
} as const satisfies Record<Rpc, AuditClass>

/** Verbs of RPCs that are passed on undecoded and change nothing; any other name is taken for one that does. */
const READING = /^(Get|List|Describe|Show|Has|Check|Search|HybridSearch|Query|Select|Calc|Connect|AllocTimestamp)/

/** The class of an RPC by its name; one that has no op here goes by its verb. */
export function auditClass(rpc: string): AuditClass {
  const known = Object.entries(CLASSES).find(([name]) => name === rpc)
  return known?.[1] ?? (READING.test(rpc) ? 'read' : 'admin')
}

/** Whether a level records calls of this class. */
export function records(level: AuditLevel, kind: AuditClass): boolean {
  return level === 'all' || kind === 'admin' || (level === 'write' && kind === 'write')
}
