import { fault } from '../errors/error.ts'
import type { ReplyOf, RequestOf, Rpc } from '../model/calls.ts'
import type {
  CallMetadata,
  Forward,
  ForwardHeaders,
  ForwardPass,
  ForwardSink,
  ForwardStream,
  Health,
  Pass,
  Service,
} from '../service.ts'
import { type CallDeps, ForwardedCall, type Result } from './forwarded-call.ts'
import { RequestHeaders } from './headers.ts'
import { Pool } from './pool.ts'
import type { LinkContext } from './settings.ts'
import { frameOf, UnaryReply } from './unary-call.ts'

/** Messages of one RPC from a client's side: an `Op` is one. */
export interface Codec<R extends Rpc> {
  encodeRequest(request: RequestOf<R>): Uint8Array
  /** @throws RedkiteError that the reply's `Status` carries, its code and text unchanged. */
  decodeReply(bytes: Uint8Array): ReplyOf<R>
}
export type Codecs = { readonly [R in Rpc]: Codec<R> }

/** What answers RPCs about users where they are kept here. */
export type LocalUsers = { readonly [R in Rpc]?: (pass: Pass<R>, request: RequestOf<R>) => Promise<ReplyOf<R>> }

export interface UpstreamOptions extends LinkContext {
  readonly codecs: Codecs
  /** Null where users are the upstream's. */
  readonly localUsers: LocalUsers | null
  readonly replyBytesMax: number
  /** What REST calls are known as upstream. */
  readonly userAgent: string
  /** Closed with this service. */
  readonly closing: Disposable
}

const SERVICE = '/milvus.proto.milvus.MilvusService/'
const RESULTS = ['ok', 'status', 'unavailable', 'cancelled', 'retried'] as const satisfies readonly Result[]

/** The service that another Milvus answers: bytes go through, REST becomes the same RPCs. */
export class UpstreamService implements Service, Forward {
  readonly forward: Forward = this
  readonly usersHere: boolean
  readonly #options: UpstreamOptions
  readonly #pool: Pool
  readonly #headers: RequestHeaders
  readonly #deps: CallDeps

  constructor(options: UpstreamOptions) {
    this.#options = options
    this.usersHere = options.localUsers !== null
    this.#pool = new Pool(options)
    this.#headers = new RequestHeaders(options.config)
    const counters = RESULTS.map((result) => [result, options.metrics.upstreamCalls.labels({ result })] as const)
    const byResult = new Map(counters)
    this.#deps = {
      pool: this.#pool,
      uri: options.config.uri,
      count: (result) => byResult.get(result)?.inc(),
    }
  }

  open(pass: ForwardPass, headers: ForwardHeaders, sink: ForwardSink, whole: Buffer | null): ForwardStream {
    const call = new ForwardedCall(this.#deps, this.#headers.of(pass.path, headers), sink, whole)
    call.start()
    return call
  }

  async call<R extends Rpc>(pass: Pass<R>, request: RequestOf<R>, metadata: CallMetadata = {}): Promise<ReplyOf<R>> {
    const { codecs, localUsers, replyBytesMax, userAgent } = this.#options
    const local = localUsers?.[pass.rpc]
    if (local) return local(pass, request)
    const codec: Codec<R> | undefined = codecs[pass.rpc]
    if (!codec) throw fault('unimplemented', pass.rpc)
    const headers = this.#headers.of(SERVICE + pass.rpc, { 'content-type': 'application/grpc', ...metadata })
    headers['user-agent'] ??= userAgent
    const timeout = metadata['grpc-timeout']
    if (timeout !== undefined) headers['grpc-timeout'] = timeout
    if ('db' in request && typeof request.db === 'string') headers['dbname'] = request.db
    const sink = new UnaryReply(replyBytesMax)
    const call = new ForwardedCall(this.#deps, headers, sink, frameOf(codec.encodeRequest(request)))
    call.start()
    const abandon = () => {
      call.cancel()
      sink.failed(fault('cancelled', pass.rpc))
    }
    pass.signal.addEventListener('abort', abandon, { once: true })
    if (pass.signal.aborted) abandon()
    try {
      return codec.decodeReply(await sink.reply)
    } finally {
      pass.signal.removeEventListener('abort', abandon)
    }
  }

  health(): Health {
    const { size, fault: why } = this.#pool
    const { uri, connections } = this.#options.config
    const detail = size > 0 ? `${size} of ${connections} links to ${uri}` : (why?.message ?? 'connecting')
    const healthy = size > 0
    return { healthy, parts: [{ name: 'upstream', healthy, detail }] }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool.close()
    await this.#options.material?.[Symbol.asyncDispose]()
    this.#options.closing[Symbol.dispose]()
  }
}
