import type { HybridTs } from '../model/calls.ts'
import type { GrantInfo } from '../model/role-calls.ts'
import type { CollectionSchema, ConsistencyLevel, Properties } from '../model/schema.ts'

/** What the catalog knows; every entry is frozen and replaced whole. Ids are unique in the whole catalog. */
export interface DatabaseEntry {
  readonly id: bigint
  readonly name: string
  readonly createdAt: HybridTs
  readonly properties: Properties
}

export interface PartitionEntry {
  readonly id: bigint
  /** Small number in the `part` column of the rows; never reused within the collection. */
  readonly number: number
  readonly name: string
  readonly createdAt: HybridTs
  /** Released on its own while the collection is loaded; absent = as loaded as the collection. */
  readonly released?: true
}

export interface IndexEntry {
  readonly id: bigint
  readonly name: string
  readonly field: string
  /** As the user gave them. */
  readonly params: Properties
}

export interface CollectionEntry {
  readonly id: bigint
  readonly db: string
  readonly schema: CollectionSchema
  /** Id of the hidden `$meta` field; 0 = no dynamic field. */
  readonly dynamicFieldId: number
  readonly shards: number
  readonly consistency: ConsistencyLevel
  readonly properties: Properties
  readonly createdAt: HybridTs
  readonly updatedAt: HybridTs
  readonly loaded: boolean
  readonly partitions: readonly PartitionEntry[]
  /** The highest partition number given out so far. */
  readonly partitionsMade: number
  readonly indexes: readonly IndexEntry[]
  /** Fields added later: sealed segments may know nothing of them, so none is carried there. Absent = none. */
  readonly addedFields?: readonly number[]
}

/** A user's password as it is kept: scrypt with its parameters. */
export interface CredentialEntry {
  readonly user: string
  readonly hash: string
}

export interface RoleEntry {
  readonly role: string
  readonly description: string
}

/** A grant as it is kept; grantor '' = it belongs to the server's defaults (`common.security.enablePublicPrivilege`). */
export type GrantEntry = GrantInfo
