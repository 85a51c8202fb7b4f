import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import type { ProtocolPolicy } from '../tls/settings.ts'

/** A client certificate with its intermediates, and its key; PEM. The key is secret. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/** How to connect. Everything is said: no default of Node's, nor a flag that changes one, has a say. */
export interface Dial {
  readonly host: string
  readonly port: number
  /** The name that is asked for and verified; an address is verified, and not asked for (RFC 6066 3). */
  readonly name: string
  /** Trust anchors, PEM; null: those that Node ships. */
  readonly ca: readonly string[] | null
  readonly identity: Identity | null
  readonly minVersion?: Version
  readonly maxVersion?: Version
  readonly groups?: string
  readonly alpn?: readonly string[]
  /** Takes any certificate of `ca` for an anchor, as pymilvus, Go and curl do. */
  readonly partialChain?: boolean
  readonly timeoutMs: number
}

export type Version = 'TLSv1' | 'TLSv1.1' | ProtocolPolicy['minVersion']

/** Why no connection came to be: Node's or OpenSSL's code, `TIMEOUT`, and the text. */
export interface DialFault {
  readonly kind: 'failed'
  readonly code: string
  readonly message: string
}

export type TcpOutcome = { readonly kind: 'open'; readonly socket: Socket; readonly ms: number } | DialFault
export type TlsOutcome = { readonly kind: 'open'; readonly socket: TLSSocket; readonly ms: number } | DialFault

/** Opens a TCP connection. The caller destroys the socket. */
export function dialTcp(host: string, port: number, timeoutMs: number): Promise<TcpOutcome> {
  return settle(connectTcp({ host, port, noDelay: true }), 'connect', timeoutMs)
}

/**
 * Makes a handshake that verifies the server in full: chain to `ca`, dates, purpose and `name`. On TLS 1.3 a server
 * that refuses the client's certificate says so only afterwards: an open socket proves nothing about that.
 */
export function dialTls(dial: Dial): Promise<TlsOutcome> {
  return handshake({ ...tlsOptions(dial), rejectUnauthorized: true }, dial.timeoutMs)
}

/** OpenSSL throws at once over what it is given: a pair that is too weak, or of a kind that it does not know. */
export async function handshake(options: ConnectionOptions, timeoutMs: number): Promise<TlsOutcome> {
  try {
    return await settle(connect(options), 'secureConnect', timeoutMs)
  } catch (error) {
    return { kind: 'failed', code: codeOf(error), message: reasonOf(error) }
  }
}

/** The options of a verified connection, complete. */
export function tlsOptions(dial: Dial): ConnectionOptions {
  const { host, port, name, identity } = dial
  const isOld = dial.maxVersion === 'TLSv1' || dial.maxVersion === 'TLSv1.1'
  return {
    host,
    port,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(dial.ca === null ? {} : { ca: [...dial.ca] }),
    ...(identity === null ? {} : { cert: identity.cert, key: identity.key }),
    minVersion: dial.minVersion ?? 'TLSv1.2',
    maxVersion: dial.maxVersion ?? 'TLSv1.3',
    // OpenSSL offers versions below 1.2 at security level 0 only: needed to see whether a server takes them.
    ciphers: isOld ? 'ALL:@SECLEVEL=0' : 'DEFAULT',
    ...(dial.groups === undefined ? {} : { ecdhCurve: dial.groups }),
    ALPNProtocols: [...(dial.alpn ?? ['h2'])],
    ...(dial.partialChain ? { allowPartialTrustChain: true } : {}),
  }
}

/** Waits for the event that says that a socket is open, its failure, or the end of patience. */
export function settle<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
): Promise<{ readonly kind: 'open'; readonly socket: S; readonly ms: number } | DialFault> {
  const since = performance.now()
  return new Promise((resolve) => {
    const give = (fault: DialFault) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(fault)
    }
    const timer = setTimeout(
      () => give({ kind: 'failed', code: 'TIMEOUT', message: `no answer within ${timeoutMs} ms` }),
      timeoutMs,
    )
    // Stays for the life of the socket: a fault after the opening must not become an uncaught 'error'.
    socket.on('error', (error) => give({ kind: 'failed', code: codeOf(error), message: reasonOf(error) }))
    socket.once('close', () => give({ kind: 'failed', code: 'CLOSED', message: 'closed without a word' }))
    socket.once(event, () => {
      clearTimeout(timer)
      resolve({ kind: 'open', socket, ms: performance.now() - since })
    })
  })
}

/** Node's or OpenSSL's code of an error; '' where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The reason alone: OpenSSL's messages are `id:error:code:library:function:reason:file:line:`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('reason' in error && typeof error.reason === 'string') return error.reason
  return /:error:[0-9A-F]{8}:/.test(error.message) ? (error.message.split(':')[5] ?? error.message) : error.message
}

/** Whether a code says that the server does not trust, or misses, the client's certificate (RFC 8446 6.2). */
export function isCertificateAlert(code: string): boolean {
  return /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/.test(
    code,
  )
}
