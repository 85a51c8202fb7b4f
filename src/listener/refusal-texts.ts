import type { Refusal } from '../tls/refusal.ts'

/** A refusal before it has a peer. */
export type Why = Pick<Refusal, 'reason' | 'message' | 'remedy'>
/** Nothing came within the peek timeout. */
export const SILENT: Why = {
  reason: 'peekTimeout',
  message: 'the client connected and sent nothing',
  remedy: 'probe with an HTTP request or a TLS handshake',
}
/** Bytes of no protocol that is served. */
export const NOISE: Why = {
  reason: 'notTls',
  message: 'the first bytes are neither TLS nor HTTP',
  remedy: 'use a Milvus client or HTTP',
}
/** TLS on a plaintext port (milvus#24469). */
export const TLS_HERE: Why = {
  reason: 'tlsOnPlaintextPort',
  message: 'the client began a TLS handshake on a plaintext port',
  remedy: 'set common.security.tlsMode to 1 or 2, or connect without TLS (http://, secure=False)',
}
/** Go's words, as Milvus answers. */
export const PLAIN_HTTP: Why = {
  reason: 'plaintextHttp',
  message: 'Client sent an HTTP request to an HTTPS server.',
  remedy: 'connect with https:// (pymilvus: secure=True)',
}
/** A gRPC client without TLS on a TLS port. */
export const PLAIN_HTTP2: Why = {
  reason: 'plaintextHttp2',
  message: 'the client spoke HTTP/2 without TLS on a TLS port',
  remedy: 'connect with TLS (pymilvus: secure=True and server_pem_path or ca_pem_path; Node SDK: ssl true)',
}
/** grpc-go's words since 1.67. */
export const NO_ALPN: Why = {
  reason: 'noAlpnForGrpc',
  message: 'cannot check peer: missing selected ALPN property',
  remedy: 'gRPC over TLS must negotiate h2 by ALPN: update the client, or a proxy in between drops ALPN',
}
/** `redkite.tls.pq: require`. */
export const CLASSICAL_GROUP: Why = {
  reason: 'classicalGroup',
  message: 'the client offers classical key-exchange groups only, and redkite.tls.pq is require',
  remedy: 'use a client that knows X25519MLKEM768 (OpenSSL 3.5, Go 1.24, Node 24), or set redkite.tls.pq to prefer',
}
