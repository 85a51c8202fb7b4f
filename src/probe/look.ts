import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { throwawayPair } from '../tls/throwaway.ts'
import { type Dial, type DialFault, handshake, tlsOptions } from './dial.ts'

/** What a server shows to anybody who asks. Nothing of it is verified. */
export interface Seen {
  readonly kind: 'seen'
  readonly version: string
  readonly cipher: string
  readonly alpn: string
  /** Key-exchange group, e.g. `X25519MLKEM768`; '' where it is not known. */
  readonly group: string
  /** The certificates as sent, leaf first; an anchor may stand at the end. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
  readonly ms: number
}

/**
 * Looks at a server's certificate whatever is wrong with it: the one connection that does not verify. Not a byte is
 * sent over it, and nothing that it shows is ever reported as good: it only explains why verification failed.
 */
export async function look(dial: Dial): Promise<Seen | DialFault> {
  // With an anchor of nobody's the chain is what was sent, not completed from the CA file.
  const ca = throwawayPair(null, new Date())?.cert ?? ''
  const options = { ...tlsOptions(dial), ca, rejectUnauthorized: false, checkServerIdentity: () => undefined }
  const outcome = await handshake(options, dial.timeoutMs)
  if (outcome.kind === 'failed') return outcome
  const { socket, ms } = outcome
  try {
    const [leaf, ...others] = sentChain(socket)
    if (leaf === undefined) return { kind: 'failed', code: 'NO_CERTIFICATE', message: 'the server sent no certificate' }
    return { kind: 'seen', ...sessionFacts(socket), chain: [leaf, ...others], ms }
  } finally {
    socket.destroy()
  }
}

/** What was agreed in a handshake. */
export function sessionFacts(socket: TLSSocket): Pick<Seen, 'version' | 'cipher' | 'alpn' | 'group'> {
  const key: unknown = socket.getEphemeralKeyInfo()
  return {
    version: (socket.getProtocol() ?? '').replace('TLSv', 'TLS '),
    cipher: socket.getCipher()?.standardName ?? '',
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
    group: typeof key === 'object' && key !== null && 'name' in key ? String(key.name) : '',
  }
}

const CHAIN_LENGTH_MAX = 20

/** The peer's chain, leaf first, as Node links it; a self-signed end links to itself. */
export function sentChain(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let at: { readonly raw?: Buffer; readonly issuerCertificate?: unknown } | undefined = socket.getPeerCertificate(true)
  while (at?.raw !== undefined && chain.length < CHAIN_LENGTH_MAX) {
    const certificate = new X509Certificate(at.raw)
    if (chain.some((known) => known.raw.equals(certificate.raw))) break
    chain.push(certificate)
    const next: unknown = at.issuerCertificate
    at = typeof next === 'object' && next !== null ? next : undefined
  }
  return chain
}
