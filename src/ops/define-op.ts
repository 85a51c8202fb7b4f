import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { fault, type RedkiteError } from '../errors/error.ts'
import { type ErrorCode, MsgType, type Status, StatusSchema } from '../gen/common_pb.js'
import { MilvusService } from '../gen/milvus_pb.js'
import { declaredPrivileges } from '../gen/privileges.js'
import type { InCollection, ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import { DEFAULT_DATABASE } from '../model/schema.ts'
import { targetsOf } from './objects.ts'
import type { Access, CallMeta, Op, RestRoute } from './op.ts'
import { refuseFailure } from './wire/status.ts'
import { decodeMessage } from './wire.ts'

type Methods = (typeof MilvusService)['method']
type MethodOf<R extends Rpc> = Uncapitalize<R> extends keyof Methods ? Methods[Uncapitalize<R>] : never
type InputOf<R extends Rpc> = MethodOf<R> extends { input: infer I extends DescMessage } ? MessageShape<I> : never
type InputInit<R extends Rpc> =
  MethodOf<R> extends { input: infer I extends DescMessage } ? Omit<MessageInitShape<I>, 'base'> : never
type OutputOf<R extends Rpc> = MethodOf<R> extends { output: infer O extends DescMessage } ? MessageShape<O> : never
type OutputInit<R extends Rpc> =
  MethodOf<R> extends { output: infer O extends DescMessage } ? Omit<MessageInitShape<O>, 'status'> : never

/**
 * What one RPC's file says; message types, access and status follow from the descriptors. A server decodes requests
 * and encodes replies; a client (REST before another Milvus) makes messages of requests and reads replies.
 */
export type OpSpec<R extends Rpc> = {
  readonly rpc: R
  /** Only where Milvus declares no privilege: why any authenticated user may call it. */
  readonly login?: string
  readonly rest?: readonly RestRoute[]
  /** RBAC calls: the legacy code of every failure but a refused parameter. */
  readonly failureCode?: ErrorCode
  decode(message: InputOf<R>, meta: CallMeta): RequestOf<R>
  /** The mirror of `decode`: the request without its `base`. */
  toMessage(request: RequestOf<R>): InputInit<R>
} & (ReplyOf<R> extends null
  ? { readonly encode?: never; readonly fromReply?: never }
  : {
      /** The response without its status. */
      encode(reply: ReplyOf<R>): OutputInit<R>
      /** The mirror of `encode`, for replies of any Milvus; its status has been looked at. */
      fromReply(message: OutputOf<R>): ReplyOf<R>
    })

/**
 * Makes the `Op` of an RPC: request and response messages are read from the service descriptor, the privilege from
 * Milvus' own declaration.
 * @throws Error at load time when the RPC is unknown, or has neither a declared privilege nor a reason for `login`.
 */
export function defineOp<R extends Rpc>(spec: OpSpec<R>): Op<R> {
  const method = MilvusService.methods.find((m) => m.name === spec.rpc)
  if (!method) throw new Error(`${spec.rpc} is not in the service descriptor`)
  const { input, output } = method
  const base = input.field['base'] ? { base: { msgType: msgTypeOf(spec.rpc) } } : {}
  const isStatus = output.typeName === StatusSchema.typeName
  const respond = (body: object, status: MessageInitShape<typeof StatusSchema>): Uint8Array =>
    toBinary(output, create(output, isStatus ? status : { ...body, status: create(StatusSchema, status) }))
  return {
    rpc: spec.rpc,
    access: accessOf(spec.rpc, input.name, spec.login),
    targets: (request) => targetsOf(spec.rpc, request),
    rest: spec.rest ?? [],
    decode: (bytes, meta) => spec.decode(decodeMessage(input, bytes) as InputOf<R>, meta),
    encode: (reply) => respond(spec.encode?.(reply) ?? {}, {}),
    encodeRequest: (request) => toBinary(input, create(input, { ...base, ...spec.toMessage(request) })),
    decodeReply: (bytes) => {
      const message = decodeMessage(output, bytes, 'serviceInternal')
      refuseFailure(isStatus ? (message as Status) : (message as { status?: Status }).status)
      return (spec.fromReply?.(message as OutputOf<R>) ?? null) as ReplyOf<R>
    },
    encodeFailure: (error) => respond({}, failureStatus(error, spec.failureCode)),
  }
}

/** RPCs whose message type has another name; GetLoadState and GetLoadingProgress have none. */
const MSG_TYPES: Readonly<Record<string, MsgType>> = {
  Query: MsgType.Retrieve,
  HybridSearch: MsgType.Search,
  ListCredUsers: MsgType.ListCredUsernames,
}

/** `base.msg_type` of a request: Milvus fills it in itself, its SDKs send it all the same. */
function msgTypeOf(rpc: string): MsgType {
  const named = rpc in MsgType ? MsgType[rpc as keyof typeof MsgType] : undefined
  return named ?? MSG_TYPES[rpc] ?? MsgType.Undefined
}

function accessOf(rpc: Rpc, message: string, login: string | undefined): Access {
  const declared = declaredPrivileges[message]
  if (!declared) {
    if (login === undefined) throw new Error(`${rpc}: Milvus declares no privilege; say why a login is enough`)
    return { kind: 'login', reason: login }
  }
  const { object, privilege } = declared
  if (login !== undefined) throw new Error(`${rpc}: Milvus declares ${privilege}; a login is not enough`)
  if (object !== 'Global' && object !== 'Collection' && object !== 'User') {
    throw new Error(`${rpc}: unknown privilege object ${object}`)
  }
  return { kind: 'privilege', object, privilege }
}

/**
 * An error as Milvus' clients read it: pymilvus looks at `code` first, the Node SDK and Attu only at `error_code`,
 * so both are set; `reason` and `detail` carry the full text (pkg/util/merr `Status`).
 */
export function failureStatus(error: RedkiteError, failureCode?: ErrorCode): MessageInitShape<typeof StatusSchema> {
  const { row } = error
  const overridden = failureCode !== undefined && error.kind !== 'invalidParameter' && !error.isForeign
  return {
    code: row.code,
    errorCode: overridden ? failureCode : (row.legacy as Status['errorCode']),
    reason: error.message,
    detail: error.message,
    retriable: row.retriable && !row.input,
    extraInfo: row.input ? { is_input_error: 'true' } : {},
  }
}

/** The database of a call: the message's, else the `dbname` header's, else `default`. */
export function dbOf(given: string, meta: CallMeta): string {
  return given || meta.db || DEFAULT_DATABASE
}

/**
 * Database and collection of a request that must name one.
 * @throws RedkiteError `invalidParameter` when the name is empty.
 */
export function inCollection(message: { dbName: string; collectionName: string }, meta: CallMeta): InCollection {
  if (message.collectionName === '') throw fault('invalidParameter', 'collection name should not be empty')
  return { db: dbOf(message.dbName, meta), collection: message.collectionName }
}

/** The mirror of `inCollection`. */
export function naming({ db, collection }: InCollection): { dbName: string; collectionName: string } {
  return { dbName: db, collectionName: collection }
}
