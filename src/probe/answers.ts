import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { Secret } from '../model/calls.ts'
import { type Check, fail, ok, skip, warn } from './check.ts'
import { type CallOutcome, callGrpc, milvusMethod, versionOf } from './grpc-call.ts'
import { callRest } from './http-call.ts'

/** How to reach the server for one more call: every call has a connection of its own. Null: it could not be opened. */
export interface Reach {
  readonly authority: string
  readonly timeoutMs: number
  open(): Promise<Socket | null>
}

/** Who logs in. The token (`user:password`, or an API key) goes to the server and nowhere else. */
export interface Login {
  /** For texts. */
  readonly user: string
  readonly token: Secret
}

const UNAUTHENTICATED = 16
const PERMISSION_DENIED = 7

/** Whether gRPC answers, and as what. */
export async function checkGrpc(reach: Reach, login: Login | null): Promise<readonly Check[]> {
  const outcome = await grpc(reach, 'GetVersion', login)
  if (outcome.kind === 'refused') {
    return [fail('grpc', `no answer: ${outcome.message}`, 'see the log of the server', 'noAnswer')]
  }
  const { grpc: status, http, message } = outcome
  if (status === null) {
    const fix = 'give the gRPC port (proxy.port, 19530)'
    return [fail('grpc', `HTTP ${http}: this port does not speak gRPC`, fix, 'noAnswer')]
  }
  if (status === 0) return [ok('grpc', `GetVersion answers ${versionOf(outcome.body) || 'without a version'}`)]
  if (isLoginRefused(outcome)) return [ok('grpc', `answers: ${message || `status ${status}`}`)]
  return [fail('grpc', `GetVersion fails with status ${status}: ${message}`, 'see the log of the server', 'noAnswer')]
}

/** Whether a login is asked for, whether the given one is taken, and that a made-up one is not. */
export async function checkLogin(reach: Reach, login: Login | null, isMutual: boolean): Promise<readonly Check[]> {
  const without = await grpc(reach, 'ShowCollections', null)
  if (without.kind === 'refused') return [skip('login', 'not reached')]
  if (!isLoginRefused(without)) {
    const detail = 'not needed: a call without user and password is answered'
    const given = login === null ? '' : `; the given user ${login.user} was not looked at`
    if (isMutual) return [ok('login', `${detail}; the client certificate is the only key${given}`)]
    return [warn('login', `${detail}${given}`, 'set common.security.authorizationEnabled: true', 'noLogin')]
  }
  const checks: Check[] = [ok('login', 'needed: a call without user and password is refused')]
  if (login !== null) {
    const given = await grpc(reach, 'ShowCollections', login)
    const fix = 'correct --user or the password; root has common.security.defaultRootPassword until it is changed'
    if (given.kind === 'refused') checks.push(fail('user', `no answer: ${given.message}`, fix, 'login'))
    else if (isLoginRefused(given))
      checks.push(fail('user', `${login.user} is refused: ${given.message}`, fix, 'login'))
    else
      checks.push(
        ok(
          'user',
          `${login.user} is admitted${given.grpc === PERMISSION_DENIED ? ', without the right to list collections' : ''}`,
        ),
      )
  }
  // Made up anew: no account's attempts are used up.
  const stranger = {
    user: 'nobody',
    token: new Secret(`probe${randomBytes(6).toString('hex')}:${randomBytes(12).toString('hex')}`),
  }
  const wrong = await grpc(reach, 'ShowCollections', stranger)
  checks.push(
    wrong.kind === 'answer' && !isLoginRefused(wrong) && wrong.grpc !== 8
      ? fail('wrong login', 'a user that does not exist is admitted', 'do not use this server', 'login')
      : ok('wrong login', 'a user that does not exist is refused'),
  )
  return checks
}

/** Whether REST answers. `isWanted`: its address was given, so silence is a failure. */
export async function checkRest(reach: Reach, login: Login | null, isWanted: boolean): Promise<Check> {
  const socket = await reach.open()
  const { authority, timeoutMs } = reach
  const outcome: CallOutcome =
    socket === null
      ? { kind: 'refused', code: '', message: 'no connection' }
      : await callRest(socket, { authority, token: tokenOf(login), timeoutMs })
  const fix = 'give the address of REST: --rest https://host:port (proxy.http.port where that is set)'
  const not = (detail: string) => (isWanted ? fail('rest', detail, fix, 'noAnswer') : skip('rest', detail))
  if (outcome.kind === 'refused') return not(`no answer: ${outcome.message}`)
  const code = jsonCode(outcome.body)
  if (code === null) return not(`not served here (HTTP ${outcome.http})`)
  return ok('rest', code === 0 ? 'lists collections' : `answers (code ${code})`)
}

function jsonCode(body: Buffer): number | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && 'code' in value ? Number(value.code) : null
  } catch {
    return null
  }
}

async function grpc(reach: Reach, method: string, login: Login | null): Promise<CallOutcome> {
  const socket = await reach.open()
  if (socket === null) return { kind: 'refused', code: '', message: 'no connection' }
  const { authority, timeoutMs } = reach
  const path = milvusMethod(method)
  return callGrpc(socket, { authority: `https://${authority}`, path, token: tokenOf(login), timeoutMs })
}

function tokenOf(login: Login | null): string | null {
  return login === null ? null : login.token.reveal()
}

/** Milvus 2.3 says so with other status codes too. */
function isLoginRefused(outcome: Extract<CallOutcome, { kind: 'answer' }>): boolean {
  if (outcome.grpc === UNAUTHENTICATED) return true
  return (
    outcome.grpc !== null &&
    outcome.grpc !== 0 &&
    /auth check failure|missing authorization|unauthenticated/i.test(outcome.message)
  )
}
