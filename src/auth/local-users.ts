import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import type { Pass } from '../service.ts'
import type { Keeper } from './keeper.ts'

type Answers = { readonly [R in Rpc]?: (pass: Pass<R>, request: RequestOf<R>) => Promise<ReplyOf<R>> }

/** The RPCs about users, answered from the users of this server: for a proxy that checks logins itself. */
export function localUsers(keeper: Keeper): Answers {
  return {
    CreateCredential: async (_pass, { user, password }) => {
      await keeper.create(user, password)
      return null
    },
    UpdateCredential: async ({ principal }, { user, oldPassword, newPassword }) => {
      const caller = principal.kind === 'user' ? principal.user : null
      await keeper.update(caller, user, oldPassword, newPassword)
      return null
    },
    DeleteCredential: async (_pass, { user }) => {
      keeper.remove(user)
      return null
    },
    ListCredUsers: async () => ({ users: keeper.users() }),
  }
}
