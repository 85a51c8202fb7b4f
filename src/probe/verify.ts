import { checkGrpc, checkLogin, checkRest, type Login, type Reach } from './answers.ts'
import { type Check, fail, isFit, ok, skip, warn } from './check.ts'
import { dialTcp, dialTls } from './dial.ts'
import { type LocalPaths, readLocalFiles } from './local-files.ts'
import { probeH2c, probeHttp1 } from './plaintext.ts'
import { place, type Target } from './target.ts'
import { checkTls, type TlsOutcome } from './verify-tls.ts'

/** What to verify, as somebody outside sees it. */
export interface VerifyRequest {
  readonly target: Target
  readonly paths: LocalPaths
  /** Checked instead of the host; null: the host. */
  readonly serverName: string | null
  /** REST at an address of its own; null: looked for on the same port. */
  readonly rest: Target | null
  readonly login: Login | null
  readonly now: Date
  readonly timeoutMs: number
}

export interface VerifyReport {
  readonly target: string
  /** False: nothing could be looked at. */
  readonly reachable: boolean
  /** Nothing failed. */
  readonly fit: boolean
  readonly checks: readonly Check[]
}

/**
 * Looks at a Milvus-compatible server as a client does, and as strangers do: files at hand, handshake, certificates,
 * versions, client certificate, refusals that must happen, and the answers of gRPC and REST. A fault is a line, never an
 * error.
 */
export async function verifyServer(request: VerifyRequest): Promise<VerifyReport> {
  const { target, now, timeoutMs } = request
  const local = await readLocalFiles(request.paths, now)
  const checks: Check[] = [...local.checks]
  const tcp = await dialTcp(target.host, target.port, timeoutMs)
  if (tcp.kind === 'failed') {
    checks.push(unreachable(target, tcp.code, tcp.message))
    return report(target, false, checks)
  }
  const { remoteAddress = target.host } = tcp.socket
  checks.push(ok('tcp', `${place(remoteAddress, target.port)} in ${Math.round(tcp.ms)} ms`))
  tcp.socket.destroy()
  if (!local.usable) {
    checks.push(skip('handshake', 'not tried: first the files have to be right'))
    return report(target, true, checks)
  }
  checks.push(...(target.tls ? await lookOverTls(request, local) : await lookInTheClear(request)))
  return report(target, true, checks)
}

function report(target: Target, reachable: boolean, checks: readonly Check[]): VerifyReport {
  const shown = `${target.tls ? 'https' : 'http'}://${place(target.host, target.port)}`
  return { target: shown, reachable, fit: isFit(checks), checks }
}

function unreachable({ host, port }: Target, code: string, message: string): Check {
  const where = place(host, port)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return fail(
      'dns',
      `${host} does not resolve (${code})`,
      'correct the name, or give the address and --server-name',
      'unreachable',
    )
  }
  if (code === 'ECONNREFUSED') {
    const fix =
      'start the server, or correct the port (proxy.port); a server on loopback is reached from its machine only'
    return fail('tcp', `nobody listens on ${where}`, fix, 'unreachable')
  }
  return fail('tcp', `${where} cannot be reached: ${message}`, 'look at the network and its firewalls', 'unreachable')
}

async function lookOverTls(
  request: VerifyRequest,
  local: Awaited<ReturnType<typeof readLocalFiles>>,
): Promise<readonly Check[]> {
  const { target, login, timeoutMs } = request
  const name = request.serverName ?? target.host
  const tls = await checkTls({ target, name, local, now: request.now, timeoutMs })
  const checks = [...tls.checks]
  if (tls.dial === null) return checks
  const reach = reachOver(target, tls)
  checks.push(...(await checkGrpc(reach, login)), ...(await checkLogin(reach, login, tls.isMutual)))
  checks.push(...(await restOver(request, tls, reach)))
  return checks
}

function reachOver(target: Target, { dial }: TlsOutcome, alpn: readonly string[] = ['h2']): Reach {
  return {
    authority: place(target.host, target.port),
    timeoutMs: dial?.timeoutMs ?? 0,
    async open() {
      if (dial === null) return null
      const outcome = await dialTls({ ...dial, host: target.host, port: target.port, alpn })
      return outcome.kind === 'open' ? outcome.socket : null
    },
  }
}

async function restOver(request: VerifyRequest, tls: TlsOutcome, reach: Reach): Promise<readonly Check[]> {
  const { rest, login, timeoutMs } = request
  if (rest === null) return [await checkRest(reach, login, false)]
  if (rest.tls) return [await checkRest(reachOver(rest, tls, ['h2', 'http/1.1']), login, true)]
  // no login: it would cross the network in the clear
  const answer = await checkRest(reachInTheClear(rest, timeoutMs), null, true)
  const detail = 'REST answers without encryption, beside gRPC over TLS'
  const fix = 'give it TLS as well: common.security.tlsMode holds for proxy.http.port too'
  return answer.level === 'ok' ? [answer, warn('rest plaintext', detail, fix, 'plaintext')] : [answer]
}

function reachInTheClear(target: Target, timeoutMs: number): Reach {
  return {
    authority: place(target.host, target.port),
    timeoutMs,
    async open() {
      const outcome = await dialTcp(target.host, target.port, timeoutMs)
      return outcome.kind === 'open' ? outcome.socket : null
    },
  }
}

/** `http://`: does it answer so, or does it want TLS? */
async function lookInTheClear(request: VerifyRequest): Promise<readonly Check[]> {
  const { target, login, rest, timeoutMs } = request
  const { host, port } = target
  const h2c = await probeH2c(host, port, timeoutMs)
  const http1 = h2c.kind === 'served' ? h2c : await probeHttp1(host, port, timeoutMs)
  if (http1.kind !== 'served') {
    const looked = await checkTls({
      target,
      name: request.serverName ?? host,
      local: { anchors: null, client: null, usable: true, checks: [] },
      now: request.now,
      timeoutMs,
    })
    if (looked.spoken) {
      const fix = `connect with https://${place(host, port)} and --ca ca.pem (pymilvus: secure=True and server_pem_path or ca_pem_path)`
      return [fail('plaintext', 'this port speaks TLS, and the address says http://', fix, 'plaintextToTls')]
    }
    return [fail('plaintext', `no answer: ${http1.detail}`, 'is it the port of Milvus (proxy.port)?', 'noAnswer')]
  }
  const detail = 'the server answers without encryption: passwords and vectors can be read on the way'
  const fix = 'set common.security.tlsMode to 1 or 2 (redkite run --auto-tls)'
  const reach = reachInTheClear(target, timeoutMs)
  const checks = [warn('plaintext', detail, fix, 'plaintext'), ...(await checkGrpc(reach, login))]
  if (login !== null) checks.push(skip('login', 'not tried: the password would cross the network in the clear'))
  else checks.push(...(await checkLogin(reach, null, false)))
  checks.push(await checkRest(rest === null ? reach : reachInTheClear(rest, timeoutMs), null, rest !== null))
  return checks
}
