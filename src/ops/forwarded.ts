import type { DescMessage } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { fault } from '../errors/error.ts'
import { file_milvus, MilvusService } from '../gen/milvus_pb.js'
import { declaredPrivileges } from '../gen/privileges.js'
import { DEFAULT_DATABASE } from '../model/schema.ts'
import type { Access, Target } from './op.ts'
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
  /**
   * What the privilege must be held on, read from the request's own bytes; `db` is the `dbname` header, which counts
   * where the request names no database.
   * @throws RedkiteError `malformedMessage`
   */
  targets(message: Uint8Array, db: string): readonly Target[]
}

const NOTHING: readonly Target[] = []
const ON_CLUSTER: readonly Target[] = Object.freeze([{ db: DEFAULT_DATABASE, name: '*' }])
/** Decided in `default`, as in `objects.ts`: they name a database and are about the cluster. */
const ON_CLUSTER_ALTHOUGH = new Set(['CreateDatabase', 'DropDatabase', 'OperatePrivilegeV2'])

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
      targets: targetReader(method.name),
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

/**
 * Reads database and object from the top level of a message, by the numbers of their fields: as the op would, for every
 * method, and without decoding rows and vectors. The last of repeated single fields counts (protobuf's encoding rules).
 */
function targetReader(name: string): ForwardedMethod['targets'] {
  const input = MilvusService.methods.find((method) => method.name === name)?.input
  const declared = input && declaredPrivileges[input.name]
  if (!input || !declared) return () => NOTHING
  const dbField = ON_CLUSTER_ALTHOUGH.has(name) ? 0 : numberOf(input, 'db_name')
  const newDbField = numberOf(input, name === 'RenameCollection' ? 'newDBName' : '')
  const { nameField } = declared
  const isList = input.fields.find((field) => field.number === nameField)?.fieldKind === 'list'
  if (dbField === 0 && nameField === 0) return () => ON_CLUSTER
  return (message, header) => {
    const found = strings(message, new Set([dbField, newDbField, nameField]))
    const db = last(found, dbField) || (dbField === 0 ? '' : header) || DEFAULT_DATABASE
    const names = isList ? (found.get(nameField) ?? []) : [nameField === 0 ? '*' : last(found, nameField)]
    const newDb = last(found, newDbField)
    const moved = newDb === '' || newDb === db ? [] : [{ db: newDb, name: '*' }]
    return [...names.map((object) => ({ db, name: object })), ...moved]
  }
}

function numberOf(message: DescMessage, field: string): number {
  return message.fields.find(({ name }) => name === field)?.number ?? 0
}

function last(found: ReadonlyMap<number, readonly string[]>, field: number): string {
  return found.get(field)?.at(-1) ?? ''
}

function strings(message: Uint8Array, wanted: ReadonlySet<number>): ReadonlyMap<number, string[]> {
  const found = new Map<number, string[]>()
  try {
    const reader = new BinaryReader(message)
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag()
      if (!wanted.has(field)) reader.skip(wireType, field)
      else if (wireType !== WireType.LengthDelimited) throw new Error(`field ${field} is no text`)
      else found.set(field, [...(found.get(field) ?? []), reader.string()])
      if (reader.pos > reader.len) throw new Error('premature end')
    }
  } catch (cause) {
    throw fault('malformedMessage', cause instanceof Error ? cause.message : String(cause))
  }
  return found
}
