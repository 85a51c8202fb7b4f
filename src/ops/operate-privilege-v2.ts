import { faultText } from '../errors/error.ts'
import { ErrorCode } from '../gen/common_pb.js'
import { OperatePrivilegeType } from '../gen/milvus_pb.js'
import { dbOf, defineOp } from './define-op.ts'
import type { Op, RestInput, RestRoute } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'
import { isSecondOfTwo } from './wire/two-ways.ts'

export const operatePrivilegeV2: Op<'OperatePrivilegeV2'> = defineOp({
  rpc: 'OperatePrivilegeV2',
  failureCode: ErrorCode.OperatePrivilegeFailure,
  decode: ({ role, grantor, type, dbName, collectionName }, meta) => {
    if (!role) throw faultText('unexpected', 'role in the request is nil')
    if (!grantor?.privilege) throw faultText('unexpected', 'privilege in the request is nil')
    return {
      role: role.name,
      privilege: grantor.privilege.name,
      db: dbOf(dbName, meta),
      collection: collectionName,
      revoke: isSecondOfTwo(type, 'operate privilege type'),
    }
  },
  toMessage: ({ role, privilege, db, collection, revoke }) => ({
    role: { name: role },
    grantor: { privilege: { name: privilege } },
    type: revoke ? OperatePrivilegeType.Revoke : OperatePrivilegeType.Grant,
    dbName: db,
    collectionName: collection,
  }),
  rest: [route('grant_privilege_v2', false), route('revoke_privilege_v2', true)],
})

function route(action: string, revoke: boolean): RestRoute {
  return post(`roles/${action}`, async ({ body, db, call }: RestInput) => {
    requireFields(body, 'GrantV2Req', ['roleName', 'privilege'])
    const [role, privilege, collection] = [
      text(body, 'roleName'),
      text(body, 'privilege'),
      text(body, 'collectionName'),
    ]
    await call('OperatePrivilegeV2', { role, privilege, db, collection, revoke })
    return DONE
  })
}
