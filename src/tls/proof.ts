import { duplexPair } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { EXIT } from '../errors/start-error.ts'
import { MaterialFault } from './fault.ts'
import type { Generation } from './generation.ts'
import { defaultPolicy } from './policy.ts'
import { ALPN_PROTOCOLS, createTlsServer } from './server-options.ts'
import type { ProtocolPolicy } from './settings.ts'
import { type ThrowawayIssuer, throwawayPair } from './throwaway.ts'

const PROOF_TIMEOUT_MS = 5_000
const NO_ANSWER = 'no answer'

/** What a proof is made with besides the generation. */
export interface ProofTools {
  /** The policy of the ports; default as Milvus by mode. */
  readonly protocol?: ProtocolPolicy | undefined
  /** The key of one of the anchors, where it is at hand: then a client of it must be admitted. */
  readonly issuer?: ThrowawayIssuer | null
  /** How messages name the pair. */
  readonly where: string
}

/**
 * Makes real handshakes in memory with a generation before it serves: whatever OpenSSL objects to (a weak signature,
 * an unusable key) shows here and not at the first client. In the server's role: a client gets this very leaf, and
 * trusts it by the chain that comes with it. In mutual mode also what is asked of clients: one without a certificate
 * and one with a stranger's are refused; one with a certificate of an anchor, where its key is at hand, is admitted.
 * Dates and names are not judged, since an expired certificate is served as Milvus does. Some 20 ms.
 * @returns what a strict client would object to, as warnings
 * @throws MaterialFault
 */
export async function proveGeneration(generation: Generation, tools: ProofTools): Promise<readonly string[]> {
  const fail = (text: string) => {
    // a machine that is too busy to answer says nothing against the pair
    const exit = text.endsWith(NO_ANSWER) ? EXIT.temporary : EXIT.config
    return new MaterialFault(exit, `${tools.where}: ${text}`, 'make a new pair: redkite certs create')
  }
  try {
    return await prove(generation, tools, fail)
  } catch (error) {
    throw error instanceof MaterialFault
      ? error
      : fail(`the pair does not complete a TLS handshake: ${errorText(error)}`)
  }
}

type Fail = (text: string) => MaterialFault

async function prove(generation: Generation, tools: ProofTools, fail: Fail): Promise<readonly string[]> {
  const handshake = prover(generation, tools)
  const plain = await handshake({})
  if (generation.kind === 'oneWay') {
    if (plain.server !== 'done') throw fail(`the pair does not complete a TLS handshake: ${plain.reason}`)
    return checkClientSide(plain, generation, fail)
  }
  if (plain.server === 'done') throw fail('a client without certificate was not refused')
  const now = new Date()
  const stranger = await handshake(throwawayPair(null, now) ?? {})
  const warnings = checkClientSide(stranger, generation, fail)
  if (stranger.admitted) throw fail('a client certificate of a stranger was accepted')
  const client = tools.issuer ? throwawayPair(tools.issuer, now) : null
  if (client === null) return warnings
  const known = await handshake(client)
  if (known.admitted) return warnings
  const why = `a client certificate that its CA issued was not accepted: ${known.reason}`
  throw new MaterialFault(EXIT.config, `${tools.where}: ${why}`, 'check the CA file: see redkite certs verify')
}

/** What both sides saw of a handshake. */
interface Seen {
  readonly server: 'done' | 'refused'
  /** Whether OpenSSL verified the client's certificate. */
  readonly admitted: boolean
  /** Fingerprint of what the client was sent; null where its side did not complete. */
  readonly leaf: string | null
  /** Why the client would not trust it; null = it does. */
  readonly distrust: string | null
  readonly reason: string
}

function checkClientSide(seen: Seen, generation: Generation, fail: Fail): readonly string[] {
  if (seen.leaf === null) throw fail(`the pair does not complete a TLS handshake: ${seen.reason}`)
  if (seen.leaf !== generation.leaf.fingerprint256) throw fail('another certificate was sent')
  // expired, not yet valid and usage have warnings of their own
  if (seen.distrust === null || /EXPIRED|NOT_YET_VALID|INVALID_PURPOSE/.test(seen.distrust)) return []
  return [`the chain does not lead from the server certificate to the last one of its file: ${seen.distrust}`]
}

type ServerSide = Pick<Seen, 'server' | 'admitted' | 'reason'>
type ClientSide = Pick<Seen, 'leaf' | 'distrust' | 'reason'>
type Handshake = (pair: { readonly cert?: string; readonly key?: string }) => Promise<Seen>

/** One server of the generation for all handshakes of a proof, which follow one another. */
function prover(generation: Generation, { protocol = defaultPolicy(generation.kind) }: ProofTools): Handshake {
  let onServed: (seen: ServerSide) => void = () => {}
  let opened: TLSSocket[] = []
  const port = { listener: 'proof', handshakeTimeoutMs: PROOF_TIMEOUT_MS, protocol }
  const server = createTlsServer(generation, port, (socket) => {
    opened.push(socket.on('error', () => {}))
    const reason = String(socket.authorizationError ?? '')
    onServed({ server: 'done', admitted: socket.authorized, reason })
  })
  server.on('tlsClientError', (error) => onServed({ server: 'refused', admitted: false, reason: errorText(error) }))
  return async (pair) => {
    const [clientSide, serverSide] = duplexPair()
    const served = Promise.withResolvers<ServerSide>()
    const got = Promise.withResolvers<ClientSide>()
    onServed = served.resolve
    const timer = setTimeout(() => {
      served.resolve({ server: 'refused', admitted: false, reason: NO_ANSWER })
      got.resolve({ leaf: null, distrust: null, reason: NO_ANSWER })
    }, PROOF_TIMEOUT_MS)
    try {
      server.emit('connection', serverSide)
      const client = connect({ socket: clientSide, ...clientOptions(generation, protocol), ...pair })
      opened.push(client)
      client.on('error', (error) => got.resolve({ leaf: null, distrust: null, reason: errorText(error) }))
      client.on('secureConnect', () => {
        const leaf = client.getPeerX509Certificate()?.fingerprint256 ?? null
        const distrust = client.authorized ? null : String(client.authorizationError)
        got.resolve({ leaf, distrust, reason: '' })
      })
      const [bySide, byClient] = await Promise.all([served.promise, got.promise])
      return { ...byClient, ...bySide, reason: bySide.reason || byClient.reason }
    } finally {
      clearTimeout(timer)
      for (const socket of opened) socket.destroy()
      opened = []
      clientSide.destroy()
      serverSide.destroy()
    }
  }
}

/** A client that trusts what follows the leaf in its file, or the leaf where nothing does; it looks, and goes on. */
function clientOptions(generation: Generation, protocol: ProtocolPolicy): ConnectionOptions {
  const issuers = generation.chain.slice(1)
  return {
    ca: (issuers.length > 0 ? issuers : [generation.leaf]).map((certificate) => certificate.toString()),
    allowPartialTrustChain: true,
    rejectUnauthorized: false,
    servername: 'proof.redkite.internal',
    checkServerIdentity: () => undefined,
    ALPNProtocols: ALPN_PROTOCOLS,
    minVersion: protocol.minVersion,
    maxVersion: protocol.maxVersion,
    ciphers: protocol.ciphers.join(':'),
    ecdhCurve: protocol.groups.join(':'),
  }
}

/** OpenSSL's reason without its address and source position. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.message
}
