import type { IncomingHttpHeaders } from 'node:http2'
import type { Credentials } from '../../auth/authority.ts'

/** What HPACK counts on top of a name and a value (RFC 7541 section 4.1). */
const FIELD_OVERHEAD_BYTES = 32
const NO_CREDENTIALS: Credentials = Object.freeze({ kind: 'none' })

/** Size of a header list as HTTP/2 defines it (RFC 9113, SETTINGS_MAX_HEADER_LIST_SIZE). */
export function headerListBytes(headers: IncomingHttpHeaders): number {
  let bytes = 0
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string') bytes += name.length + value.length + FIELD_OVERHEAD_BYTES
    else if (value) for (const one of value) bytes += name.length + one.length + FIELD_OVERHEAD_BYTES
  }
  return bytes
}

/** The first value of a metadata key; '' = not sent. */
export function metadata(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  if (typeof value === 'string') return value
  return value?.[0] ?? ''
}

/** The `authorization` metadata as credentials. */
export function metadataCredentials(headers: IncomingHttpHeaders): Credentials {
  const value = headers.authorization
  return value === undefined ? NO_CREDENTIALS : { kind: 'metadata', value }
}

/** True for a content type this layer speaks: gRPC with protobuf messages; not gRPC-Web or JSON. */
export function isGrpcProto(contentType: string | undefined): boolean {
  if (contentType === 'application/grpc') return true
  return contentType !== undefined && /^application\/grpc(\+proto)?\s*(;|$)/i.test(contentType)
}
