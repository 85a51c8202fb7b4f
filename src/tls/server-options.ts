import { constants, createHash } from 'node:crypto'
import { createSecureContext, createServer, type SecureContextOptions, type Server, TLSSocket } from 'node:tls'
import type { Generation } from './generation.ts'
import { groupList } from './groups.ts'
import { defaultPolicy } from './policy.ts'
import type { ProtocolPolicy } from './settings.ts'

/** OpenSSL's SSL_OP_NO_RENEGOTIATION; Node's typings do not name it. */
const NO_RENEGOTIATION = 0x40000000

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
    ecdhCurve: groupList(protocol.groups),
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
    /** Let every client finish its handshake, so that a refused one can be told why: `judge` alone decides then. */
    readonly explain?: boolean
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
      rejectUnauthorized: generation.kind === 'mutual' && port.explain !== true,
    },
    onSecure,
  )
  // `tls.createServer` drops `allowPartialTrustChain` (Node 20 to 24), so that a bare intermediate or leaf in the CA
  // file would not count as an anchor. The default context is replaced by a complete one; should Node rename the
  // property, such anchors are refused again: it fails closed.
  Reflect.set(server, '_sharedCreds', createSecureContext(options))
  return server
}
