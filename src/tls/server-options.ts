import { constants, createHash } from 'node:crypto'
import { createSecureContext, createServer, type SecureContextOptions, type Server, TLSSocket } from 'node:tls'
import type { Generation } from './generation.ts'
import type { ProtocolPolicy } from './settings.ts'

/** OpenSSL's SSL_OP_NO_RENEGOTIATION; Node's typings do not name it. */
const NO_RENEGOTIATION = 0x40000000

/** AEAD only. The TLS 1.2 names are Go's secure list without the HTTP/2-forbidden ones, as grpc-go uses. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
] as const

const CLASSICAL_GROUPS = ['X25519', 'P-256', 'P-384'] as const

/** Hybrid post-quantum first (FIPS 203 with X25519) where this Node's OpenSSL knows it (3.5), then the classical groups. */
const GROUPS = isKnownGroup('X25519MLKEM768') ? ['X25519MLKEM768', ...CLASSICAL_GROUPS] : CLASSICAL_GROUPS

/** Node 24.0 to 24.4 carry an older OpenSSL, which refuses a whole list for one name that it does not know. */
function isKnownGroup(name: string): boolean {
  try {
    createSecureContext({ ecdhCurve: name })
    return true
  } catch {
    return false
  }
}

/** As Milvus (Go) does by mode, with AEAD ciphers only. */
export function defaultPolicy(kind: Generation['kind']): ProtocolPolicy {
  return {
    minVersion: kind === 'mutual' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    groups: GROUPS,
  }
}

/** Both ports of Milvus negotiate `h2`; REST also `http/1.1`. One port serves both here. */
export const ALPN_PROTOCOLS = ['h2', 'http/1.1']

/**
 * The full set of context options of a generation. Always complete and explicit: what is left out falls back to Node's
 * defaults, which flags such as --tls-min-v1.0 can lower, and a missing `ca` would trust every public CA.
 * No `ticketKeys`: each context draws its own, so a ticket never outlives the trust it was issued under.
 */
export function contextOptions(
  generation: Generation,
  sessionIdContext: string,
  protocol: ProtocolPolicy = defaultPolicy(generation.kind),
): SecureContextOptions {
  const mutual = generation.kind === 'mutual'
  const forbidden = NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION
  return {
    cert: generation.chain.map((certificate) => certificate.toString()).join(''),
    key: generation.keyPem,
    // In mutual mode no resumption at all: a resumed session would skip the check of the client certificate.
    secureOptions: mutual ? forbidden | constants.SSL_OP_NO_TICKET : forbidden,
    minVersion: protocol.minVersion,
    maxVersion: protocol.maxVersion,
    ciphers: protocol.ciphers.join(':'),
    ecdhCurve: protocol.groups.join(':'),
    honorCipherOrder: true,
    sessionTimeout: 300,
    sessionIdContext: createHash('sha256').update(sessionIdContext).digest('hex').slice(0, 32),
    ...(mutual ? { ca: generation.anchors.map((anchor) => anchor.toString()), allowPartialTrustChain: true } : {}),
  }
}

/**
 * Chooses by our preference; `undefined` makes OpenSSL send the alert no_application_protocol. Node calls it as a
 * method of the socket, and the moment is used: from here on a certificate that does not verify no longer makes Node
 * drop the connection on its own, without a word of what was refused, but reaches `judge`. Should either private detail
 * change, or a client come without ALPN, Node's own refusal stands: it fails closed.
 */
function chooseProtocol(this: unknown, offer: { readonly protocols: string[] }): string | undefined {
  if (this instanceof TLSSocket) Reflect.set(this, '_rejectUnauthorized', false)
  return ALPN_PROTOCOLS.find((protocol) => offer.protocols.includes(protocol))
}

/**
 * A `tls.Server` of one generation for one port. It never listens: the listener feeds it accepted sockets
 * (`emit('connection')`), makes a new one when the generation changed, and must `judge` each socket of
 * 'secureConnection' before reading from it: Node enforces that a client certificate is there, `judge` that it is good.
 */
export function createTlsServer(
  generation: Generation,
  port: {
    readonly listener: string
    readonly handshakeTimeoutMs: number
    readonly protocol?: ProtocolPolicy | undefined
  },
  onSecure: (socket: TLSSocket) => void,
): Server {
  const options = contextOptions(generation, `redkite:${port.listener}`, port.protocol)
  const server = createServer(
    {
      ...options,
      ALPNCallback: chooseProtocol,
      handshakeTimeout: port.handshakeTimeoutMs,
      requestCert: generation.kind === 'mutual',
      // Lets OpenSSL answer a missing certificate with the alert that clients print (`certificate required`).
      rejectUnauthorized: generation.kind === 'mutual',
    },
    onSecure,
  )
  // `tls.createServer` drops `allowPartialTrustChain` (Node 20 to 24), so that a bare intermediate or leaf in the CA
  // file would not count as an anchor. The default context is replaced by a complete one; should Node rename the
  // property, such anchors are refused again: it fails closed.
  Reflect.set(server, '_sharedCreds', createSecureContext(options))
  return server
}
