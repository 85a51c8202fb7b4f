import { throwawayPair } from '../tls/throwaway.ts'
import { type Check, fail, ok, skip, warn } from './check.ts'
import { isSilent, type Reception, receptionOf, refusalText, refusedWith, refusedWithout } from './client-refusal.ts'
import { type Dial, dialTls, type Identity, isCertificateAlert } from './dial.ts'
import { callGrpc, milvusMethod } from './grpc-call.ts'
import type { LocalFiles } from './local-files.ts'
import { look, type Seen, sessionFacts } from './look.ts'
import { explainNoHandshake } from './no-handshake.ts'
import { probeH2c, probeHttp1 } from './plaintext.ts'
import { checkServerCertificates, type Verification } from './server-certificate.ts'
import { place, type Target } from './target.ts'
import { checkVersions } from './versions.ts'

export interface TlsRequest {
  readonly target: Target
  readonly name: string
  readonly local: LocalFiles
  readonly now: Date
  readonly timeoutMs: number
}

export interface TlsOutcome {
  readonly checks: readonly Check[]
  /** How to connect for a call; null where no verified connection is admitted. */
  readonly dial: Dial | null
  /** Strangers without a certificate are refused. */
  readonly isMutual: boolean
  /** The port speaks TLS. */
  readonly spoken: boolean
}

/** Everything about TLS at one port. */
export async function checkTls(request: TlsRequest): Promise<TlsOutcome> {
  const { target, name, local, now } = request
  const plain: Dial = {
    ...target,
    name,
    ca: local.anchors?.map((anchor) => anchor.toString()) ?? null,
    identity: local.client?.identity ?? null,
    timeoutMs: request.timeoutMs,
  }
  const seen = await look(plain)
  if (seen.kind === 'failed') {
    const none = { dial: null, isMutual: false }
    if (!isCertificateAlert(seen.code)) {
      const check = await explainNoHandshake(plain, seen)
      return { ...none, checks: [check], spoken: check.cause !== 'tlsToPlaintext' && check.cause !== 'notTls' }
    }
    // TLS 1.2: the refusal comes within the handshake.
    const refusal = { kind: 'refused', code: seen.code, said: seen.message, reason: null } as const
    return { ...none, checks: [refusedCheck(refusal, request)], spoken: true }
  }
  const { dial, verification, facts } = await verified(plain, seen, local)
  const { version, cipher, alpn, group } = facts ?? seen
  const words = `${version}, ${cipher}, ALPN ${alpn || 'none'}${group === '' ? '' : `, ${group}`}, ${Math.round(seen.ms)} ms`
  const isVerified = verification.fault === null
  const checks: Check[] = [isVerified ? ok('handshake', words) : skip('handshake', `${words}; not verified, see below`)]
  checks.push(...(await checkServerCertificates(seen.chain, { name, anchors: local.anchors, now }, verification)))
  if (!/GCM|CHACHA20|CCM/.test(cipher)) {
    const fix = 'let the server offer AEAD ciphers with forward secrecy (TLS 1.3, or ECDHE with AES-GCM)'
    checks.push(warn('cipher', `${cipher} is not authenticated encryption (AEAD)`, fix, 'weak'))
  }
  if (seen.alpn !== 'h2') {
    const fix = 'let the server, or the proxy before it, offer h2: gRPC needs HTTP/2 by ALPN'
    checks.push(fail('alpn', 'the server does not agree to h2', fix, 'noAlpn'))
  }
  if (!isVerified && checks.every(({ level }) => level !== 'fail')) {
    const { code, message } = verification.fault
    checks.push(
      fail('verification', `${message} (${code})`, 'see redkite certs verify where the files are', 'unverified'),
    )
  }
  checks.push(...(await checkVersions(dial)), ...(await plaintextProbes(target, request.timeoutMs)))
  if (!isVerified) {
    checks.push(skip('client', 'not tried: nothing is sent to a server that does not verify'))
    return { checks, dial: null, isMutual: false, spoken: true }
  }
  checks.push(await wrongName(dial))
  return { ...(await clientChecks(dial, request, checks)), spoken: true }
}

async function verified(
  dial: Dial,
  seen: Seen,
  { anchors }: LocalFiles,
): Promise<{
  readonly dial: Dial
  readonly verification: Verification
  readonly facts: Pick<Seen, 'version' | 'cipher' | 'alpn' | 'group'> | null
}> {
  const first = await dialTls(dial)
  if (first.kind === 'open') {
    const facts = sessionFacts(first.socket)
    first.socket.destroy()
    return { dial, verification: { fault: null, partial: false }, facts }
  }
  // pymilvus, Go and curl take any certificate of the CA file for an anchor; Node only authorities.
  const isAnchor = anchors?.some((anchor) => anchor.raw.equals(seen.chain[0].raw)) ?? false
  const lenient = { ...dial, partialChain: true }
  const second = isAnchor ? await dialTls(lenient) : null
  if (second?.kind !== 'open') {
    return { dial, verification: { fault: second ?? first, partial: second !== null }, facts: null }
  }
  const facts = sessionFacts(second.socket)
  second.socket.destroy()
  return { dial: lenient, verification: { fault: null, partial: true }, facts }
}

/** Which certificate is admitted: the given one, none, and a stranger's. */
async function clientChecks(dial: Dial, request: TlsRequest, checks: Check[]): Promise<Omit<TlsOutcome, 'spoken'>> {
  const { client } = request.local
  const own = await receive(dial, dial.identity)
  if (own.kind === 'refused') {
    checks.push(refusedCheck(own, request))
    if (client !== null) checks.push(noClientProbe(await receive(dial, null)))
    return { checks, dial: null, isMutual: false }
  }
  if (client === null) {
    checks.push(ok('client', 'no client certificate needed: one-way TLS'))
    return { checks, dial, isMutual: false }
  }
  const usages = client.facts.extendedKeyUsage
  const none = await receive(dial, null)
  const isMutual = none.kind === 'refused'
  if (!isMutual) {
    checks.push(ok('client', `${client.facts.subject} connects`))
    checks.push(noClientProbe(none))
    return { checks, dial, isMutual }
  }
  if (usages !== null && !usages.includes('clientAuth')) {
    const detail = `${client.facts.subject} is admitted although it allows ${usages.join(', ')} only: a real Milvus refuses it`
    checks.push(warn('client', detail, 'redkite certs renew --client', 'serverAuthOnly'))
  } else checks.push(ok('client', `${client.facts.subject} is admitted`))
  checks.push(noClientProbe(none))
  checks.push(await strangerProbe(dial, request.now))
  return { checks, dial, isMutual }
}

function noClientProbe(none: Reception): Check {
  const what = 'no-client probe'
  if (isSilent(none)) return skip(what, 'neither answered nor refused in time')
  if (none.kind === 'refused') {
    return ok(what, `connection without certificate refused (mutual TLS really on): ${refusalText(none)}`)
  }
  const detail = 'a connection without certificate is served: one-way TLS, the client certificate is not asked for'
  return warn(what, detail, 'set common.security.tlsMode: 2 for mutual TLS', 'notMutual')
}

async function strangerProbe(dial: Dial, now: Date): Promise<Check> {
  const stranger = throwawayPair(null, now)
  if (stranger === null) return skip('stranger probe', 'no certificate could be made')
  const met = await receive(dial, stranger)
  if (isSilent(met)) return skip('stranger probe', 'neither answered nor refused in time')
  if (met.kind === 'refused')
    return ok('stranger probe', `a self-signed client certificate is refused: ${refusalText(met)}`)
  const fix = 'check tls.caPemPath there: it must hold your own authority alone'
  return fail('stranger probe', 'a self-signed client certificate of nobody is admitted', fix, 'strangerAdmitted')
}

/** Connects with a certificate and makes a call: on TLS 1.3 nothing less tells whether it was admitted. */
export async function receive(dial: Dial, identity: Identity | null): Promise<Reception> {
  const outcome = await dialTls({ ...dial, identity })
  if (outcome.kind === 'failed') return { kind: 'refused', code: outcome.code, said: outcome.message, reason: null }
  const { timeoutMs } = dial
  const authority = `https://${place(dial.host, dial.port)}`
  return receptionOf(
    await callGrpc(outcome.socket, { authority, path: milvusMethod('GetVersion'), token: null, timeoutMs }),
  )
}

function refusedCheck(refusal: Extract<Reception, { kind: 'refused' }>, { local, now }: TlsRequest): Check {
  if (local.client === null) return refusedWithout(refusal)
  return refusedWith(refusal, local.client, local.anchors, now)
}

/** A certificate that any name fits protects nobody. `.invalid` is nobody's (RFC 2606). */
async function wrongName(dial: Dial): Promise<Check> {
  const outcome = await dialTls({ ...dial, name: 'wrong-name.redkite.invalid' })
  if (outcome.kind === 'failed') {
    return outcome.code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? ok('wrong-name probe', 'clients that ask for another name notice')
      : skip('wrong-name probe', `no handshake: ${outcome.message}`)
  }
  outcome.socket.destroy()
  const fix = 'issue a certificate that names this server only: redkite certs renew --server'
  return fail('wrong-name probe', 'the certificate is good for every name', fix, 'nameNotChecked')
}

async function plaintextProbes({ host, port }: Target, timeoutMs: number): Promise<readonly Check[]> {
  const outcomes = await Promise.all([probeH2c(host, port, timeoutMs), probeHttp1(host, port, timeoutMs)])
  const served = outcomes.find(({ kind }) => kind === 'served')
  if (served) {
    const fix = 'serve TLS only on this port; a port that takes both is read by whoever listens on the line'
    return [fail('plaintext probe', served.detail, fix, 'plaintextAnswered')]
  }
  return [ok('plaintext probe', outcomes.map(({ detail }) => detail).join('; '))]
}
