import { file_milvus, MilvusService } from '../gen/milvus_pb.js'
import { declaredPrivileges } from '../gen/privileges.js'
import type { Access } from './op.ts'
import { isRpc, ops } from './registry.ts'

/** A method that may be passed on undecoded. */
export interface ForwardedMethod {
  /** `/package.Service/Method`. */
  readonly path: string
  readonly name: string
  /** What a caller must hold; null = neither Milvus nor we say. */
  readonly access: Access | null
  /** One message each way: it may be held together and sent at once. */
  readonly unary: boolean
  /** About users, passwords, roles or grants: where users are kept here, never passed on. */
  readonly aboutUsers: boolean
}

/** Every method of every service that Milvus' protocol declares, with an op here or without. */
export const forwardedMethods: readonly ForwardedMethod[] = file_milvus.proto.service.flatMap((service) =>
  service.method.map((method) => {
    const access = accessOf(service.name, method.name, method.inputType.slice(method.inputType.lastIndexOf('.') + 1))
    return {
      path: `/${file_milvus.proto.package}.${service.name}/${method.name}`,
      name: method.name,
      access,
      unary: !method.clientStreaming && !method.serverStreaming,
      aboutUsers: access !== null && isAboutUsers(access),
    }
  }),
)

function accessOf(service: string, method: string, message: string): Access | null {
  if (service !== MilvusService.name) return null
  if (isRpc(method)) return ops[method].access
  const declared = declaredPrivileges[message]
  const object = declared?.object
  if (!declared || (object !== 'Global' && object !== 'Collection' && object !== 'User')) return null
  return { kind: 'privilege', object, privilege: declared.privilege }
}

/** By Milvus' own names of privileges; those on a collection (row policies) are about its data. */
function isAboutUsers(access: Access): boolean {
  if (access.kind === 'login' || access.object === 'Collection') return false
  return access.object === 'User' || /Ownership$|PrivilegeGroups?$|RBAC$/.test(access.privilege)
}
