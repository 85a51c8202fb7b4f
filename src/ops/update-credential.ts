import { ErrorCode } from '../gen/common_pb.js'
import { Secret } from '../model/calls.ts'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'
import { passwordOf, passwordText } from './wire/password.ts'

export const updateCredential: Op<'UpdateCredential'> = defineOp({
  rpc: 'UpdateCredential',
  failureCode: ErrorCode.UpdateCredentialFailure,
  decode: ({ username, oldPassword, newPassword }) => ({
    user: username,
    oldPassword: passwordOf(oldPassword),
    newPassword: passwordOf(newPassword),
  }),
  toMessage: ({ user, oldPassword, newPassword }) => ({
    username: user,
    oldPassword: passwordText(oldPassword),
    newPassword: passwordText(newPassword),
  }),
  rest: [
    post('users/update_password', async ({ body, call }) => {
      requireFields(body, 'NewPasswordReq', ['userName', 'password', 'newPassword'])
      await call('UpdateCredential', {
        user: text(body, 'userName'),
        oldPassword: new Secret(text(body, 'password')),
        newPassword: new Secret(text(body, 'newPassword')),
      })
      return DONE
    }),
  ],
})
