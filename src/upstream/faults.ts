import { faultText, type RedkiteError } from '../errors/error.ts'
import { type ErrorKind, GRPC } from '../errors/table.ts'
import type { LinkFault } from '../tls/link-error.ts'

/** A link could not be made, or was lost: what was seen, and what to do about it. */
export class LinkDown extends Error {
  override readonly name = 'LinkDown'
  readonly fault: LinkFault

  constructor(fault: LinkFault) {
    super(fault.message)
    this.fault = fault
  }
}

/** GOAWAY (RFC 9113 6.8) in words; `data` is the peer's own text, if any. */
export function goawayFault(code: number, data: Uint8Array | undefined): LinkFault {
  const own = Buffer.from(data ?? [])
    .toString('latin1')
    .slice(0, 100)
    .replace(/[^\x20-\x7e]/g, '?')
  const said = own === '' ? '' : `: ${own}`
  if (code === 0) return { message: `it is going away (GOAWAY${said})`, remedy: 'none is needed while it restarts' }
  const remedy = code === 12 ? 'write https:// in redkite.upstream.uri' : 'look at the log of the upstream'
  return { message: `it ended the connection (GOAWAY, error ${code}${said})`, remedy }
}

/** The upstream is away and the call did not reach it. */
export function unreachable(uri: string, cause: string): RedkiteError {
  return faultText('upstreamUnavailable', `upstream ${uri} is unavailable: ${cause}; nothing was done, try again later`)
}

/** The connection broke under a call that had been sent. */
export function lostUnder(uri: string, cause: string): RedkiteError {
  const text = `upstream ${uri} went away during the call: ${cause}; try again, it may have been done already`
  return faultText('upstreamUnavailable', text)
}

/** RST_STREAM of the upstream as gRPC means it (PROTOCOL-HTTP2.md, "HTTP2 Transport Mapping", errors). */
export function resetBy(uri: string, code: number): RedkiteError {
  const text = `upstream ${uri} reset the call (HTTP/2 error ${code})`
  switch (code) {
    case 7:
      return unreachable(uri, 'it refuses new calls')
    case 8:
      return faultText('cancelled', text)
    case 11:
      return faultText('overloaded', text)
    case 12:
      return faultText('permissionDenied', text)
    default:
      return faultText('malformedMessage', text)
  }
}

/** What stood between answered HTTP instead of gRPC (`doc/http-grpc-status-mapping.md`). */
export function httpAnswer(uri: string, status: number): RedkiteError {
  const text = `upstream ${uri} answered HTTP ${status} instead of gRPC`
  const kinds: Readonly<Record<number, ErrorKind>> = {
    401: 'unauthenticated',
    403: 'permissionDenied',
    404: 'notServedYet',
    429: 'upstreamUnavailable',
    502: 'upstreamUnavailable',
    503: 'upstreamUnavailable',
    504: 'upstreamUnavailable',
  }
  return faultText(kinds[status] ?? 'serviceInternal', text)
}

/** A gRPC status as an error of the table; the text is the upstream's. For REST, where no status can be passed on. */
export function statusFault(status: number, message: string): RedkiteError {
  const kinds: Readonly<Record<number, ErrorKind>> = {
    [GRPC.cancelled]: 'cancelled',
    [GRPC.invalidArgument]: 'invalidParameter',
    [GRPC.deadlineExceeded]: 'timeout',
    [GRPC.permissionDenied]: 'permissionDenied',
    [GRPC.resourceExhausted]: 'overloaded',
    [GRPC.unimplemented]: 'unimplemented',
    [GRPC.unavailable]: 'upstreamUnavailable',
  }
  // REST says one thing of every wrong login, whatever gRPC says (Milvus httpserver)
  if (status === GRPC.unauthenticated) return faultText('restUnauthenticated', "user hasn't authenticated")
  return faultText(kinds[status] ?? 'serviceInternal', message || `the upstream answered gRPC status ${status}`)
}
