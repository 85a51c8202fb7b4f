import { EXIT, StartError } from '../errors/start-error.ts'
import type { Log } from '../observe/log.ts'
import type { HeldRefusals, RefusalReason } from '../tls/refusal.ts'
import { type Visit, visitAsStranger, visitInPlaintext } from '../tls/stranger.ts'
import { throwawayPair } from '../tls/throwaway.ts'

/** A TLS port of this process. */
export interface OwnPort {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Client certificates are needed. */
  readonly isMutual: boolean
  /** Keeps refusals out of log and metrics until released; those of the probes never get there. */
  holdRefusals(): HeldRefusals
}

interface Probe {
  readonly what: string
  /** Why it must be refused: another reason proves nothing. */
  readonly reasons: readonly RefusalReason[]
  visit(port: OwnPort): Promise<Visit>
}

const TIMEOUT_MS = 2_000
const REASON_MS_MAX = 200
const BY_LIMIT = 'by a limit'
/** Such a refusal says nothing about who was refused. */
const LIMITS: ReadonlySet<RefusalReason> = new Set([
  'connectionLimit',
  'peerLimit',
  'handshakeLimit',
  'handshakePeerLimit',
  'handshakeRate',
])

const PLAINTEXT: readonly Probe[] = [
  {
    what: 'plaintext HTTP',
    reasons: ['plaintextHttp'],
    visit: ({ host, port }) => visitInPlaintext(host, port, 'http/1.1', TIMEOUT_MS),
  },
  {
    what: 'plaintext HTTP/2',
    reasons: ['plaintextHttp2'],
    visit: ({ host, port }) => visitInPlaintext(host, port, 'h2', TIMEOUT_MS),
  },
]

const STRANGERS: readonly Probe[] = [
  {
    what: 'no client certificate',
    reasons: ['noClientCertificate'],
    visit: ({ host, port }) => visitAsStranger(host, port, null, TIMEOUT_MS),
  },
  {
    what: 'a self-signed client certificate',
    reasons: ['unknownAuthority', 'unverified'],
    visit: ({ host, port }) => visitAsStranger(host, port, throwawayPair(null, new Date()), TIMEOUT_MS),
  },
]

/**
 * Connects to every own TLS port as strangers do, before the server says that it is ready: without TLS, and, under
 * mutual TLS, without a certificate and with one of nobody's. Each must be refused, by the listener and for that reason,
 * before a handler sees it.
 * @throws StartError (internal) naming the listener and the probe that was served
 */
export async function selfTest(ports: readonly OwnPort[], log: Log): Promise<void> {
  const since = performance.now()
  const refused = await Promise.all(ports.map(testPort))
  if (ports.length === 0) return
  const words = refused.map((probes, index) => `${ports[index]?.name}: ${probes.join(', ')}`).join('; ')
  const fields = { refused: words, ms: Math.round(performance.now() - since) }
  if (!words.includes(BY_LIMIT)) return log.info('self-test passed', fields)
  const hint = 'raise redkite.limits.connectionsPerPeerMax, handshakesPerSecondPerPeer or handshakesPendingMax'
  log.warn('self-test passed in part: a limit refused probes before their certificates were looked at', {
    ...fields,
    hint,
  })
}

async function testPort(port: OwnPort): Promise<readonly string[]> {
  const probes = port.isMutual ? [...PLAINTEXT, ...STRANGERS] : PLAINTEXT
  const held = port.holdRefusals()
  const visits: Visit[] = []
  try {
    const met = await Promise.all(
      probes.map(async (probe) => {
        const visit = await probe.visit(port).catch((cause: unknown) => {
          throw failure(port, probe, `it could not be made: ${String(cause)}`)
        })
        visits.push(visit)
        return judged(port, probe, visit, await reasonOf(held, visit))
      }),
    )
    return met
  } finally {
    held.release(new Set(visits.map(({ localPort }) => localPort)))
  }
}

/** Node may name the cause a moment after the visitor saw the end. */
async function reasonOf(held: HeldRefusals, { localPort }: Visit): Promise<RefusalReason | null> {
  const deadline = performance.now() + REASON_MS_MAX
  for (;;) {
    const reason = held.reasonFor(localPort)
    if (reason !== null || performance.now() > deadline) return reason
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function judged(port: OwnPort, probe: Probe, { answer }: Visit, reason: RefusalReason | null): string {
  if (reason === null) throw failure(port, probe, answer === '' ? 'it was not refused' : 'it was answered')
  // An answer that says no is part of a refusal (HTTP 400 to plaintext, 401 under redkite.tls.explain); any other is not.
  if (/^HTTP\/1\.[01] [23]/.test(answer)) throw failure(port, probe, 'it was answered')
  if (LIMITS.has(reason)) return `${probe.what} (${BY_LIMIT}: ${reason})`
  if (!probe.reasons.includes(reason)) throw failure(port, probe, `it was refused for another reason: ${reason}`)
  return probe.what
}

function failure({ name, port }: OwnPort, { what }: Probe, why: string): StartError {
  return new StartError(
    EXIT.internal,
    `self-test: listener ${name} (port ${port}), probe ${what}: ${why}`,
    'do not expose this server; report it. redkite.tls.selfTest: false starts without the test',
  )
}
