import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { isIP, isIPv4 } from 'node:net'
import { EXIT, StartError } from '../errors/start-error.ts'
import type { Secret } from '../model/calls.ts'
import { explainAdminFault } from './admin-fault.ts'

/** A server whose administration is asked, and how it is verified. */
export interface AdminTarget {
  /** `https://host:port`; `http` only where the host is this machine. */
  readonly uri: URL
  /** Name that the certificate must carry; '' = the host of the URI. */
  readonly serverName: string
  /** PEM; null = the authorities that Node trusts. */
  readonly ca: string | null
  /** PEM certificate and key of mutual mode; null = none. */
  readonly client: null | { readonly cert: string; readonly key: string }
  /** Null: the certificate alone says who calls. */
  readonly login: null | { readonly user: string; readonly password: Secret }
  readonly timeoutMs: number
}

const ANSWER_BYTES_MAX = 64 << 20

/**
 * One call of the administration API over HTTPS with full verification: chain, name, dates. Gives the `data` of the answer.
 * @throws StartError 69 where no answer comes, 77 where the login or the right is missing, 1 where the server says no
 */
export async function callAdmin(
  target: AdminTarget,
  method: 'GET' | 'POST',
  path: string,
  body: object | null = null,
): Promise<unknown> {
  if (target.uri.protocol === 'http:' && !isThisMachine(target.uri.hostname)) {
    throw new StartError(
      EXIT.usage,
      `${target.uri.origin} would carry the password in the clear to another machine`,
      'use https://; the administration is served over TLS, or in plaintext to clients of the same machine only',
    )
  }
  const { status, text } = await exchange(target, method, path, body).catch((error: unknown) => {
    throw explainAdminFault(error, target)
  })
  return dataOf(status, text, target)
}

interface Answered {
  readonly status: number
  readonly text: string
}

function exchange(target: AdminTarget, method: string, path: string, body: object | null): Promise<Answered> {
  const { uri, login, timeoutMs } = target
  const text = body === null ? '' : JSON.stringify(body)
  const headers = {
    accept: 'application/json',
    ...(login ? { authorization: `Basic ${base64(`${login.user}:${login.password.reveal()}`)}` } : {}),
    ...(body === null ? {} : { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(text),
  }
  const common = { method, headers, agent: false, signal: AbortSignal.timeout(timeoutMs) }
  return new Promise((resolve, reject) => {
    const url = new URL(path, uri)
    const request =
      uri.protocol === 'http:' ? requestPlain(url, common) : requestTls(url, { ...common, ...verification(target) })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`))
        else chunks.push(chunk)
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    request.end(text)
  })
}

/** Explicit, so that neither a flag nor a variable of Node can weaken it. */
function verification({ uri, serverName, ca, client }: AdminTarget) {
  const name = serverName || bare(uri.hostname)
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    // An address is no server name (RFC 6066), and is checked against the addresses of the certificate.
    servername: isIP(name) === 0 ? name : '',
    ...(ca === null ? {} : { ca, allowPartialTrustChain: true }),
    ...(client ?? {}),
  } as const
}

function dataOf(status: number, text: string, { login, uri }: AdminTarget): unknown {
  const answer = parsed(text)
  if (status === 200 && answer?.['code'] === 0) return answer['data']
  const message = typeof answer?.['message'] === 'string' ? answer['message'] : text.slice(0, 200)
  if (status === 401) {
    const who = login ? `the login of ${login.user} was refused` : 'a login is needed'
    throw new StartError(
      EXIT.noPermission,
      `${who}: ${message}`,
      'give --user and --password-file, or REDKITE_PASSWORD',
    )
  }
  if (status === 403) throw new StartError(EXIT.noPermission, message, 'log in as root')
  if (answer === null) {
    throw new StartError(
      EXIT.unavailable,
      `${uri.origin} does not answer as a Redkite server: ${message}`,
      'correct --uri',
    )
  }
  throw new StartError(EXIT.checkFailed, message, null)
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function isThisMachine(hostname: string): boolean {
  const host = bare(hostname)
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
