import { ErrorCode } from '../gen/common_pb.js'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'

export const deleteCredential: Op<'DeleteCredential'> = defineOp({
  rpc: 'DeleteCredential',
  failureCode: ErrorCode.DeleteCredentialFailure,
  decode: ({ username }) => ({ user: username }),
  toMessage: ({ user }) => ({ username: user }),
  rest: [
    post('users/drop', async ({ body, call }) => {
      requireFields(body, 'UserReq', ['userName'])
      await call('DeleteCredential', { user: text(body, 'userName') })
      return DONE
    }),
  ],
})
