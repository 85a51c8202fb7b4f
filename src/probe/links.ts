import { certificateFacts } from '../pki/facts.ts'
import { throwawayPair } from '../tls/throwaway.ts'
import { type Check, fail, isFit, ok, skip } from './check.ts'
import { isSilent, receptionOf, refusalText, refusedWith, refusedWithout } from './client-refusal.ts'
import { type Dial, dialTcp, dialTls } from './dial.ts'
import { callGrpc, milvusMethod } from './grpc-call.ts'
import { type LocalFiles, readLocalFiles } from './local-files.ts'
import { look, sessionFacts } from './look.ts'
import { explainNoHandshake } from './no-handshake.ts'
import { probeH2c } from './plaintext.ts'
import { checkName, checkServerCertificates } from './server-certificate.ts'
import { place } from './target.ts'
import { receive } from './verify-tls.ts'

/** An encrypted connection that a configuration promises. */
export interface Link {
  /** `upstream`, `internal port`. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** Null: the link is in plaintext, which is reported. */
  readonly tls: null | {
    readonly serverName: string
    readonly ca: string
    /** The pair that is shown; null = none. */
    readonly client: { readonly cert: string; readonly key: string } | null
    /** A peer without a certificate of that CA must be refused. */
    readonly isMutual: boolean
    /** Set where `client` is the listener's own pair, which need not be one that its peers would be admitted with. */
    readonly isOwnPort: boolean
  }
}

export interface LinksReport {
  readonly fit: boolean
  /** False: a link could not be reached at all. */
  readonly reachable: boolean
  readonly links: readonly { readonly name: string; readonly place: string; readonly checks: readonly Check[] }[]
}

/**
 * Makes fresh handshakes on every link, and then those that must fail. A link is proven when both did: what is agreed
 * says nothing as long as plaintext, strangers and other names get through as well.
 */
export async function verifyLinks(links: readonly Link[], now: Date, timeoutMs: number): Promise<LinksReport> {
  const proven = []
  let reachable = true
  for (const link of links) {
    const tcp = await dialTcp(link.host, link.port, timeoutMs)
    const where = place(link.host, link.port)
    if (tcp.kind === 'failed') {
      reachable = false
      const fix = 'start what listens there, or correct the address in the configuration'
      const check = fail('tcp', `${where} cannot be reached: ${tcp.message}`, fix, 'unreachable')
      proven.push({ name: link.name, place: where, checks: [check] })
      continue
    }
    tcp.socket.destroy()
    proven.push({ name: link.name, place: where, checks: await verifyLink(link, now, timeoutMs) })
  }
  return { fit: proven.every(({ checks }) => isFit(checks)), reachable, links: proven }
}

async function verifyLink(link: Link, now: Date, timeoutMs: number): Promise<readonly Check[]> {
  const { host, port, tls } = link
  if (tls === null) {
    const fix = 'write https:// in redkite.upstream.uri and name its authority in redkite.upstream.caPemPath'
    return [fail('handshake', 'the link is not encrypted', fix, 'plaintext')]
  }
  const paths = { ca: tls.ca, cert: tls.client?.cert ?? null, key: tls.client?.key ?? null }
  const local = await readLocalFiles(paths, now)
  if (!local.usable || local.anchors === null) return local.checks
  const dial: Dial = {
    host,
    port,
    name: tls.serverName,
    ca: local.anchors.map((anchor) => anchor.toString()),
    identity: local.client?.identity ?? null,
    // as the link itself: every certificate of the CA file is an anchor
    partialChain: true,
    minVersion: tls.isMutual ? 'TLSv1.3' : 'TLSv1.2',
    timeoutMs,
  }
  const checks = [...local.checks, ...(await handshake(dial, local, now))]
  if (!isFit(checks)) return [...checks, skip('probes', 'not made: the link itself does not verify')]
  checks.push(await admission(dial, link, local, now), ...(await negativeProbes(dial, tls.isMutual, now)))
  checks.push(await control(dial))
  return checks
}

async function handshake(dial: Dial, { anchors }: LocalFiles, now: Date): Promise<readonly Check[]> {
  const outcome = await dialTls(dial)
  if (outcome.kind === 'failed') {
    const seen = await look(dial)
    if (seen.kind === 'failed') return [await explainNoHandshake(dial, seen)]
    const verification = { fault: outcome, partial: false }
    const found = await checkServerCertificates(seen.chain, { name: dial.name, anchors, now }, verification)
    if (!isFit(found)) return found
    return [fail('handshake', `${outcome.message} (${outcome.code})`, 'see the log of both sides', 'unverified')]
  }
  const { socket, ms } = outcome
  const { version, cipher, alpn, group } = sessionFacts(socket)
  const leaf = socket.getPeerX509Certificate()
  socket.destroy()
  const words = `${version}, ${group || 'group unknown'}, ${cipher}, ALPN ${alpn || 'none'}, ${Math.round(ms)} ms`
  if (leaf === undefined) return [fail('handshake', words, 'see the log of the other side', 'unverified')]
  const { subject, fingerprint256, notAfter } = await certificateFacts(leaf)
  return [
    ok('handshake', words),
    checkName(leaf, dial.name),
    ok('peer', `${subject}, sha256 ${fingerprint256}, notAfter ${notAfter.toISOString()}`),
    ...(
      await checkServerCertificates([leaf], { name: dial.name, anchors, now }, { fault: null, partial: false })
    ).filter(({ what }) => what === 'server expiry' || what === 'server usage'),
  ]
}

/** Under TLS 1.3 only an answer says that the pair is admitted. */
async function admission(dial: Dial, { tls }: Link, local: LocalFiles, now: Date): Promise<Check> {
  const met = await receive(dial, dial.identity)
  const { client } = local
  if (met.kind === 'admitted')
    return ok('client', client === null ? 'admitted without a certificate' : `${client.facts.subject} is admitted`)
  if (client === null) return refusedWithout(met)
  const usages = client.facts.extendedKeyUsage
  if (tls?.isOwnPort && usages !== null && !usages.includes('clientAuth')) {
    return skip('client', 'the pair of this port is no client’s; run this where the peer is, with its configuration')
  }
  return refusedWith(met, client, local.anchors, now)
}

/** A server that died of the probes has refused nothing. */
async function control(dial: Dial): Promise<Check> {
  const outcome = await dialTls(dial)
  if (outcome.kind === 'failed') {
    const fix = 'see the log of the other side: the probes may have met a server that was going away'
    return fail('control', `the link no longer comes about after the probes: ${outcome.message}`, fix, 'noAnswer')
  }
  outcome.socket.destroy()
  return ok('control', 'the link still comes about after the probes')
}

/** Each must be refused; `isMutual` says which of them the link promises. */
async function negativeProbes(dial: Dial, isMutual: boolean, now: Date): Promise<readonly Check[]> {
  const stranger = throwawayPair(null, now)
  if (stranger === null) return [fail('probes', 'no certificate could be made', 'report it', 'unverified')]
  const checks: Check[] = []
  const plain = await probeH2c(dial.host, dial.port, dial.timeoutMs)
  checks.push(
    plain.kind === 'served'
      ? fail('plaintext probe', plain.detail, 'serve TLS only on this port', 'plaintextAnswered')
      : ok('plaintext probe', `refused: ${plain.detail}`),
  )
  checks.push(
    await ourSide(
      dial,
      { ca: [stranger.cert] },
      'wrong-CA probe',
      'a server of another authority would be noticed here',
    ),
    await ourSide(
      dial,
      { name: 'wrong-name.redkite.invalid' },
      'wrong-name probe',
      'another name would be noticed here',
    ),
  )
  if (!isMutual) {
    const detail = 'one-way TLS: the other side asks for no client certificate'
    return [...checks, skip('no-client probe', detail), skip('stranger probe', detail)]
  }
  checks.push(
    await otherSide(dial, null, 'no-client probe', 'a connection without certificate'),
    await otherSide(dial, stranger, 'stranger probe', 'a self-signed client certificate'),
    await oldVersion(dial),
  )
  return checks
}

async function ourSide(dial: Dial, change: Partial<Dial>, what: string, noticed: string): Promise<Check> {
  const outcome = await dialTls({ ...dial, ...change })
  if (outcome.kind === 'failed') return ok(what, `${noticed} (${outcome.code})`)
  outcome.socket.destroy()
  const fix = 'report it: verification on this side does not hold'
  return fail(
    what,
    'the handshake succeeds all the same',
    fix,
    what === 'wrong-CA probe' ? 'wrongCa' : 'nameNotChecked',
  )
}

async function otherSide(dial: Dial, identity: Dial['identity'], what: string, who: string): Promise<Check> {
  const met = await receive(dial, identity)
  if (isSilent(met)) {
    return fail(what, `${who} is neither answered nor refused in time`, 'see the log of the other side', 'noAnswer')
  }
  if (met.kind === 'refused') return ok(what, `${who} is refused: ${refusalText(met)}`)
  const fix = 'turn mutual TLS on there: redkite.internaltls.mutual: true (a Milvus: common.security.tlsMode: 2)'
  return fail(what, `${who} is admitted`, fix, identity === null ? 'notMutual' : 'strangerAdmitted')
}

async function oldVersion(dial: Dial): Promise<Check> {
  const outcome = await dialTls({ ...dial, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  if (outcome.kind === 'failed') return ok('TLS 1.2 probe', `refused: ${outcome.message}`)
  const authority = `https://${place(dial.host, dial.port)}`
  const call = { authority, path: milvusMethod('GetVersion'), token: null, timeoutMs: dial.timeoutMs }
  const met = receptionOf(await callGrpc(outcome.socket, call))
  if (met.kind === 'refused') return ok('TLS 1.2 probe', `refused: ${refusalText(met)}`)
  return fail(
    'TLS 1.2 probe',
    'TLS 1.2 is admitted on a mutual link',
    'set its least version to TLS 1.3',
    'oldProtocol',
  )
}
