import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { LinkGeneration } from './link-material.ts'

/** Where a link leads and whom it expects there. */
export interface LinkTarget {
  readonly host: string
  readonly port: number
  /** The name (or address) that the certificate must carry; also the server name that is sent, where it is a name. */
  readonly serverName: string
}

/** The certificate of the other side does not carry the name. */
export class WrongName extends Error {
  override readonly name = 'WrongName'
}

/**
 * Dials with one generation of the link's material. The certificate must lead to its CA file and carry `serverName` as
 * a subject alternative name: the common name does not count (RFC 9525), as in Go. Every connection makes a full
 * handshake, so what is verified holds for it.
 */
export function connectLink(generation: LinkGeneration, target: LinkTarget): TLSSocket {
  const { serverName } = target
  const socket = connect({
    host: target.host,
    port: target.port,
    secureContext: generation.context,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: true,
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    checkServerIdentity: (_host, peer) => nameFault(new X509Certificate(peer.raw), serverName),
  })
  socket.setNoDelay(true)
  return socket
}

/** What is wrong with the names of a certificate; undefined = it carries `name`. */
export function nameFault(certificate: X509Certificate, name: string): WrongName | undefined {
  const carried =
    isIP(name) === 0
      ? certificate.checkHost(name, { subject: 'never', partialWildcards: false })
      : certificate.checkIP(name)
  if (carried !== undefined) return undefined
  const names = certificate.subjectAltName ?? 'none'
  return new WrongName(`x509: certificate is valid for ${names}, not ${name}`)
}
