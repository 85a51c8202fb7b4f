import { duplexPair } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { EXIT, type ExitCode } from '../errors/start-error.ts'
import { MaterialFault } from './fault.ts'
import type { Generation } from './generation.ts'
import { ALPN_PROTOCOLS, createTlsServer } from './server-options.ts'

const PROOF_TIMEOUT_MS = 5_000

/**
 * Makes one real handshake in memory with a generation before it serves: whatever OpenSSL objects to (a weak
 * signature, an unusable key) shows here and not at the first client. The client side pins the exact leaf instead of
 * verifying names and dates, since an expired certificate is served as Milvus does. Throws `MaterialFault`.
 */
export async function proveGeneration(generation: Generation, where: string): Promise<void> {
  const [clientSide, serverSide] = duplexPair()
  const fail = (text: string, exit: ExitCode = EXIT.config) =>
    new MaterialFault(
      exit,
      `${where}: the pair does not complete a TLS handshake: ${text}`,
      'make a new pair: redkite certs create',
    )
  const opened = new Set<TLSSocket>()
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(fail('no answer', EXIT.temporary)), PROOF_TIMEOUT_MS)
      const server = createTlsServer(
        generation,
        { listener: 'proof', handshakeTimeoutMs: PROOF_TIMEOUT_MS },
        (socket) => opened.add(socket.on('error', () => {})),
      )
      server.on('tlsClientError', (error) => reject(fail(errorText(error))))
      server.emit('connection', serverSide)
      const client = connect({
        socket: clientSide,
        servername: 'proof.redkite.internal',
        ALPNProtocols: ALPN_PROTOCOLS,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.3',
      })
      opened.add(client)
      client.on('error', (error) => reject(fail(errorText(error))))
      client.on('secureConnect', () => {
        const seen = client.getPeerX509Certificate()
        if (seen?.fingerprint256 === generation.leaf.fingerprint256) resolve()
        else reject(fail('another certificate was sent'))
      })
    })
  } catch (error) {
    throw error instanceof MaterialFault ? error : fail(errorText(error))
  } finally {
    clearTimeout(timer)
    for (const socket of opened) socket.destroy()
    clientSide.destroy()
    serverSide.destroy()
  }
}

/** OpenSSL's reason without its address and source position. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.message
}
