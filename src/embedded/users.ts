import type { Handler } from './world.ts'

export const createCredential: Handler<'CreateCredential'> = async (world, { user, password }) => {
  await world.credentials.create(user, password)
  return null
}

export const updateCredential: Handler<'UpdateCredential'> = async (world, request, pass) => {
  const caller = pass.principal.kind === 'user' ? pass.principal.user : null
  await world.credentials.update(caller, request.user, request.oldPassword, request.newPassword)
  return null
}

export const deleteCredential: Handler<'DeleteCredential'> = (world, { user }) => {
  world.credentials.remove(user)
  return null
}

export const listCredUsers: Handler<'ListCredUsers'> = (world) => ({ users: world.credentials.users() })
