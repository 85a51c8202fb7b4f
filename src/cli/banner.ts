import { formatReadyLines, type ReadyTls, readyLines } from './ready-lines.ts'
import { missingClientPair, shownPath } from './ready-target.ts'

/** What a started server tells the person who started it. */
export interface BannerFacts {
  readonly version: string
  readonly dataDir: string
  readonly isNewData: boolean
  /** The Milvus that answers; null: the engine in this process. */
  readonly upstream: string | null
  readonly internal: string | null
  /** What clients on this machine dial. */
  readonly host: string
  readonly grpc: string
  readonly rest: string
  readonly metrics: string
  readonly tls: ReadyTls
  readonly caFingerprint: string | null
  readonly port: number
  readonly restPort: number
  readonly authentication: boolean
  readonly isLoopbackOnly: boolean
  readonly readyMs: number
}

/** The lines on stdout once every port answers. */
export function banner(facts: BannerFacts): string {
  const lines = [
    `redkite ${facts.version}  ${sourceSentence(facts)}`,
    `gRPC     ${facts.grpc}    ${tlsSentence(facts.tls)}`,
    `REST     ${facts.rest}/v2/vectordb`,
    `health   ${facts.metrics}/healthz, /metrics`,
  ]
  if (facts.internal !== null) lines.push(`internal ${facts.internal}    for a proxy before this node`)
  if (facts.tls.kind !== 'plain') {
    lines.push(`CA       ${shownPath(facts.tls.ca)}`)
    if (facts.caFingerprint !== null) lines.push(`         SHA-256 ${facts.caFingerprint}`)
  } else if (facts.isLoopbackOnly) {
    lines.push('         plaintext, so only this machine can connect: --auto-tls encrypts, redkite.host opens it')
  }
  if (!facts.authentication) lines.push('login    off: common.security.authorizationEnabled=true asks for one')
  const missing = missingClientPair(facts.tls)
  if (missing !== null) lines.push(`client   ${missing}`)
  lines.push(`Ready in ${facts.readyMs} ms. Connect with:`, '')
  const code = formatReadyLines(
    readyLines({
      host: facts.host,
      port: facts.port,
      restPort: facts.restPort,
      tls: facts.tls,
      authentication: facts.authentication,
    }),
  )
  return `${lines.join('\n')}\n${code}`
}

function sourceSentence({ upstream, dataDir, isNewData }: BannerFacts): string {
  if (upstream !== null) return `proxy before ${upstream}, users in ${shownPath(dataDir)}`
  return `embedded engine, data in ${shownPath(dataDir)}${isNewData ? ' (new)' : ''}`
}

function tlsSentence(tls: ReadyTls): string {
  switch (tls.kind) {
    case 'plain':
      return 'in the clear (tlsMode 0)'
    case 'oneWay':
      return 'one-way TLS (tlsMode 1)'
    case 'mutual':
      return 'mutual TLS (tlsMode 2): clients need a certificate'
  }
}
