import type { MessageInitShape } from '@bufbuild/protobuf'
import type { GrantEntity, GrantEntitySchema } from '../../gen/milvus_pb.js'
import type { GrantInfo } from '../../model/role-calls.ts'

/** A grant as Milvus lists it. */
export function grantToWire(grant: GrantInfo): MessageInitShape<typeof GrantEntitySchema> {
  return {
    role: { name: grant.role },
    object: { name: grant.object },
    objectName: grant.objectName,
    dbName: grant.db,
    grantor: { user: { name: grant.grantor }, privilege: { name: grant.privilege } },
  }
}

/** The mirror of `grantToWire`. */
export function grantFromWire({ role, object, objectName, dbName, grantor }: GrantEntity): GrantInfo {
  return {
    role: role?.name ?? '',
    object: object?.name ?? '',
    objectName,
    db: dbName,
    privilege: grantor?.privilege?.name ?? '',
    grantor: grantor?.user?.name ?? '',
  }
}
