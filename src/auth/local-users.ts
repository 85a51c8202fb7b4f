import type { Pass, UserCalls } from '../service.ts'
import { GrantKeeper } from './grant-keeper.ts'
import { type CredentialStore, Keeper, type KeeperOptions } from './keeper.ts'
import { RoleKeeper, type RoleKeeperOptions, type RoleRecords } from './role-keeper.ts'

/** The users of this server, their roles and grants. */
export interface LocalUsers {
  readonly keeper: Keeper
  readonly roles: RoleKeeper
  readonly grants: GrantKeeper
}

/** The keys of the configuration that rule them. */
export interface UserRules
  extends Omit<KeeperOptions, 'store' | 'waitingMax'>,
    Pick<RoleKeeperOptions, 'rolesMax' | 'publicPrivilege'> {
  readonly passwordChecksQueuedMax: number
}

/** Users over what is stored of them; the roles and grants that are always there are made. */
export function openUsers(
  store: CredentialStore,
  records: RoleRecords,
  rules: UserRules,
  nameBytesMax: number,
): LocalUsers {
  const keeper = new Keeper({ ...rules, store, waitingMax: rules.passwordChecksQueuedMax })
  const { rolesMax, publicPrivilege } = rules
  const roles = new RoleKeeper({
    ...{ records, rolesMax, publicPrivilege, nameBytesMax },
    userExists: (user) => keeper.exists(user),
    users: () => keeper.users(),
  })
  roles.ensureDefaults()
  return { keeper, roles, grants: new GrantKeeper({ records, roles, nameBytesMax }) }
}

/** The RPCs about users, answered from the users of this server: by its engine, and by a proxy that checks logins. */
export function userCalls({ keeper, roles, grants }: LocalUsers): UserCalls {
  return {
    CreateCredential: async (_pass, { user, password }) => {
      await keeper.create(user, password)
      return null
    },
    UpdateCredential: async (pass, { user, oldPassword, newPassword }) => {
      await keeper.update(callerOf(pass), user, oldPassword, newPassword)
      return null
    },
    DeleteCredential: async (_pass, { user }) => done(keeper.remove(user)),
    ListCredUsers: async () => ({ users: keeper.users() }),
    CreateRole: async (_pass, request) => done(roles.create(request)),
    DropRole: async (_pass, request) => done(roles.drop(request)),
    OperateUserRole: async (_pass, request) => done(roles.operateUser(request)),
    SelectRole: async (_pass, request) => roles.select(request),
    SelectUser: async (_pass, request) => roles.selectUsers(request),
    OperatePrivilege: async (pass, request) => done(grants.operate(callerOf(pass), request)),
    OperatePrivilegeV2: async (pass, request) => done(grants.operateV2(callerOf(pass), request)),
    SelectGrant: async (_pass, request) => grants.select(request),
    CreatePrivilegeGroup: async (_pass, request) => done(grants.createGroup(request)),
    DropPrivilegeGroup: async (_pass, request) => done(grants.dropGroup(request)),
    ListPrivilegeGroups: async () => grants.groups(),
    OperatePrivilegeGroup: async (_pass, request) => done(grants.operateGroup(request)),
  }
}

/** Who calls; null = authorisation is off, and nobody is known. */
function callerOf({ principal }: Pass): string | null {
  return principal.kind === 'user' ? principal.user : null
}

function done(_nothing: void): null {
  return null
}
