import { faultText } from '../errors/error.ts'
import { ErrorCode } from '../gen/common_pb.js'
import { dbOf, defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { post, requireFields, text } from './rest/body.ts'
import { grantFromWire, grantToWire } from './wire/grants.ts'

export const selectGrant: Op<'SelectGrant'> = defineOp({
  rpc: 'SelectGrant',
  failureCode: ErrorCode.SelectGrantFailure,
  decode: ({ entity }, meta) => {
    if (!entity) throw faultText('unexpected', 'the grant entity in the request is nil')
    return {
      role: entity.role?.name ?? '',
      db: dbOf(entity.dbName, meta),
      object: entity.object?.name ?? '',
      objectName: entity.objectName,
    }
  },
  toMessage: ({ role, db, object, objectName }) => ({
    entity: { role: { name: role }, dbName: db, objectName, ...(object === '' ? {} : { object: { name: object } }) },
  }),
  encode: ({ grants }) => ({ entities: grants.map(grantToWire) }),
  fromReply: ({ entities }) => ({ grants: entities.map(grantFromWire) }),
  rest: [
    post('roles/describe', async ({ body, db, call }) => {
      requireFields(body, 'RoleReq', ['roleName'])
      const { grants } = await call('SelectGrant', { role: text(body, 'roleName'), db, object: '', objectName: '' })
      const data = grants.map(({ object, objectName, privilege, grantor, ...grant }) => ({
        ...{ objectType: object, objectName, privilege, dbName: grant.db, grantor },
      }))
      return { data }
    }),
  ],
})
