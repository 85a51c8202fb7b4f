import { faultText } from '../errors/error.ts'
import { ErrorCode } from '../gen/common_pb.js'
import { OperatePrivilegeType } from '../gen/milvus_pb.js'
import { dbOf, defineOp } from './define-op.ts'
import type { Op, RestInput, RestRoute } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'
import { isSecondOfTwo } from './wire/two-ways.ts'

/** `version` of the message is the server's own; clients ask for a grant of v2 by `OperatePrivilegeV2`. */
export const operatePrivilege: Op<'OperatePrivilege'> = defineOp({
  rpc: 'OperatePrivilege',
  failureCode: ErrorCode.OperatePrivilegeFailure,
  decode: ({ entity, type, version }, meta) => {
    if (!entity) throw faultText('unexpected', 'the grant entity in the request is nil')
    if (version !== '' && version !== 'v1') {
      throw faultText('unexpected', `OperatePrivilege of version ${version} is not served; call OperatePrivilegeV2`)
    }
    return {
      role: entity.role?.name ?? '',
      object: entity.object?.name ?? '',
      objectName: entity.objectName,
      db: dbOf(entity.dbName, meta),
      privilege: entity.grantor?.privilege?.name ?? '',
      revoke: isSecondOfTwo(type, 'operate privilege type'),
    }
  },
  toMessage: ({ role, object, objectName, db, privilege, revoke }) => ({
    entity: {
      ...{ role: { name: role }, object: { name: object }, objectName, dbName: db },
      grantor: { privilege: { name: privilege } },
    },
    type: revoke ? OperatePrivilegeType.Revoke : OperatePrivilegeType.Grant,
  }),
  rest: [route('grant_privilege', false), route('revoke_privilege', true)],
})

function route(action: string, revoke: boolean): RestRoute {
  return post(`roles/${action}`, async ({ body, db, call }: RestInput) => {
    requireFields(body, 'GrantReq', ['roleName', 'objectType', 'objectName', 'privilege'])
    await call('OperatePrivilege', {
      ...{ role: text(body, 'roleName'), object: text(body, 'objectType'), objectName: text(body, 'objectName') },
      ...{ privilege: text(body, 'privilege'), db, revoke },
    })
    return DONE
  })
}
