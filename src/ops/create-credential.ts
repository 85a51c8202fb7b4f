import { ErrorCode } from '../gen/common_pb.js'
import { Secret } from '../model/calls.ts'
import { defineOp } from './define-op.ts'
import type { Op } from './op.ts'
import { DONE, post, requireFields, text } from './rest/body.ts'
import { passwordOf, passwordText } from './wire/password.ts'

export const createCredential: Op<'CreateCredential'> = defineOp({
  rpc: 'CreateCredential',
  failureCode: ErrorCode.CreateCredentialFailure,
  decode: ({ username, password }) => ({ user: username, password: passwordOf(password) }),
  toMessage: ({ user, password }) => ({ username: user, password: passwordText(password) }),
  rest: [
    post('users/create', async ({ body, call }) => {
      requireFields(body, 'PasswordReq', ['userName', 'password'])
      await call('CreateCredential', { user: text(body, 'userName'), password: new Secret(text(body, 'password')) })
      return DONE
    }),
  ],
})
