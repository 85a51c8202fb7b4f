import type { RedkiteError } from '../errors/error.ts'
import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'

/**
 * What a caller must hold. `privilege` and `object` are Milvus' own names (the proto's `privilege_ext_obj`, without
 * guessing: `test/tidy.test.ts` compares them with the descriptors). `login` = any authenticated user, for RPCs that
 * Milvus declares no privilege for; the reason is written down.
 */
export type Access =
  | {
      readonly kind: 'privilege'
      readonly object: 'Global' | 'Collection' | 'User'
      readonly privilege: string
    }
  | { readonly kind: 'login'; readonly reason: string }

/** What a privilege must be held on: an object in a database. */
export interface Target {
  readonly db: string
  /** Of a collection (an alias may stand for it) or a user; `*` = the object is the database or the cluster itself. */
  readonly name: string
}

/** What came with the bytes: the metadata an op may read. */
export interface CallMeta {
  /** The `dbname` header; '' = not given. */
  readonly db: string
}

/** Calls another op from a REST route: each call passes the gate on its own. */
export type RestCaller = <R extends Rpc>(rpc: R, request: RequestOf<R>) => Promise<ReplyOf<R>>

export interface RestInput {
  /** The JSON body (an object), or the query parameters of a GET. */
  readonly body: Readonly<Record<string, unknown>>
  /** Body `dbName`, else header `DB-Name`, else `default`. */
  readonly db: string
  /** False: int64 leave as strings (`Accept-Type-Allow-Int64: false`). */
  readonly int64AsNumber: boolean
  readonly call: RestCaller
}

/** `data` goes under `data`; `extra` beside it at the top level (`cost`, `topks` …). int64 may be bigint. */
export interface RestOutput {
  readonly data: unknown
  readonly extra?: Readonly<Record<string, unknown>>
}

export interface RestRoute {
  readonly method: 'GET' | 'POST'
  /** Full path, e.g. `/v2/vectordb/entities/insert`. */
  readonly path: string
  run(input: RestInput): Promise<RestOutput>
}

/**
 * One RPC, described once: gRPC, REST, the compatibility table and the gate are derived from it.
 * `decode` and `encode` know protobuf; everything behind them is plain data.
 */
export interface Op<R extends Rpc = Rpc> {
  readonly rpc: R
  readonly access: Access
  /** What the caller must hold the privilege on: on each of these, and none is nothing that can be held. */
  targets(request: RequestOf<R>): readonly Target[]
  readonly rest: readonly RestRoute[]
  /** @throws RedkiteError `malformedMessage` when the bytes are not this request; business faults by their kind. */
  decode(bytes: Uint8Array, meta: CallMeta): RequestOf<R>
  /** The response message with a success `Status`. */
  encode(reply: ReplyOf<R>): Uint8Array
  /**
   * The request message, as a client sends it: what `decode` reads back as `request`. `db` of an RPC whose message has
   * no place for it (Connect) must travel in the `dbname` metadata.
   */
  encodeRequest(request: RequestOf<R>): Uint8Array
  /**
   * The reply in a response message, of this server or of another (Milvus 2.3 to 3.0).
   * @throws RedkiteError with the upstream's own code and text where its `Status` is a failure; `unimplemented` naming
   * field and type for data that a reply cannot hold; `serviceInternal` for bytes that are not this message.
   */
  decodeReply(bytes: Uint8Array): ReplyOf<R>
  /** The response message whose `Status` carries the error: code, error_code, reason, detail, retriable, extra_info. */
  encodeFailure(error: RedkiteError): Uint8Array
}
