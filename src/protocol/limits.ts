/** What one caller may cost, for gRPC and REST alike. Every bound carries its unit last. */
export interface ProtocolLimits {
  /** Largest request message or body, before and after decompression (`proxy.grpc.serverMaxRecvSize`). */
  readonly messageBytesMax: number
  /** Largest gRPC reply, before compression (`proxy.grpc.serverMaxSendSize`). */
  readonly replyBytesMax: number
  /** Largest header list of one request; node:http2 only advertises its own limit, so we sum. */
  readonly headerBytesMax: number
  /** Request bytes being received or served, over all calls; above it streams wait. */
  readonly bytesInFlightMax: number
  /** Streams that may wait for the byte budget; above it calls are refused. */
  readonly waitingMax: number
  /** Time a request body has before its rate is looked at. */
  readonly bodyTimeoutMs: number
  /** Slowest average rate at which a body may arrive once `bodyTimeoutMs` is over. */
  readonly bodyBytesPerSecondMin: number
  /** A gRPC reply of at least this many bytes is gzipped where the client accepts it; null = never (Milvus). */
  readonly replyGzipBytesMin: number | null
  /** REST calls without a `Request-Timeout` header end after this (Milvus: 30 s). */
  readonly restTimeoutMs: number
}

/** The defaults of the configuration. */
export const defaultProtocolLimits: ProtocolLimits = Object.freeze({
  messageBytesMax: 128 * 1024 * 1024,
  replyBytesMax: 256 * 1024 * 1024,
  headerBytesMax: 16 * 1024,
  bytesInFlightMax: 512 * 1024 * 1024,
  waitingMax: 1024,
  bodyTimeoutMs: 30_000,
  bodyBytesPerSecondMin: 16 * 1024,
  replyGzipBytesMin: null,
  restTimeoutMs: 30_000,
})
