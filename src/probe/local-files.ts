import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { StartError } from '../errors/start-error.ts'
import type { LoadedCertificate } from '../pki/checks.ts'
import { RENEW_BELOW } from '../pki/ensure.ts'
import { certificateFacts } from '../pki/facts.ts'
import { parsePrivateKey } from '../pki/keys.ts'
import { parseCertificates } from '../pki/read.ts'
import { dateInWords, lifeInWords } from '../pki/words.ts'
import { readSmallFile, UnreadableFile } from '../tls/read-file.ts'
import { weakness } from '../tls/strength.ts'
import { type Cause, type Check, fail, ok, warn } from './check.ts'
import type { Identity } from './dial.ts'

/** The files that somebody connects with. */
export interface LocalPaths {
  /** `--ca`; null: the system's authorities. */
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
}

/** A client certificate that can be shown to a server. */
export interface ClientPair extends LoadedCertificate {
  readonly identity: Identity
  readonly helpers: readonly X509Certificate[]
  readonly file: string
}

/** What the files hold. */
export interface LocalFiles {
  /** Null: no file was given, the system's authorities count. */
  readonly anchors: readonly X509Certificate[] | null
  readonly client: ClientPair | null
  /** False where a file that was given cannot be used: what comes after it proves nothing. */
  readonly usable: boolean
  readonly checks: readonly Check[]
}

/** Reads and checks the files before anybody is asked: a wrong file here looks like a wrong server later. */
export async function readLocalFiles(paths: LocalPaths, now: Date): Promise<LocalFiles> {
  const checks: Check[] = []
  const anchors = paths.ca === null ? null : await readAnchors(paths.ca, checks)
  const client = await readClient(paths, checks, now)
  return { anchors, client, usable: checks.every(({ level }) => level !== 'fail'), checks }
}

async function readAnchors(path: string, checks: Check[]): Promise<readonly X509Certificate[]> {
  const pem = await readText('CA file', path, checks)
  if (pem === null) return []
  return attempt('CA file', checks, () => parseCertificates(pem, path)) ?? []
}

async function readClient(paths: LocalPaths, checks: Check[], now: Date): Promise<ClientPair | null> {
  const { cert: certPath, key: keyPath } = paths
  if (certPath === null || keyPath === null) return null
  const certText = await readText('client certificate', certPath, checks)
  const keyText = await readText('client key', keyPath, checks)
  if (certText === null || keyText === null) return null
  const parsed = attempt('client certificate', checks, () => parseCertificates(certText, certPath))
  const key = attempt('client key', checks, () => parsePrivateKey(keyText, keyPath))
  if (parsed === null || key === null) return null
  const [leaf, ...helpers] = parsed
  if (!leaf.checkPrivateKey(key)) {
    const detail = `${keyPath} is not the key of ${certPath}: the pair is mismatched`
    const fix = 'give the key that belongs to the certificate, or make a pair: redkite certs renew --client'
    checks.push(fail('client pair', detail, fix, 'keyMismatch'))
    return null
  }
  const facts = await certificateFacts(leaf)
  const weak = weakness(leaf)
  if (weak !== null) {
    checks.push(fail('client pair', `${certPath}: ${weak}`, renewClient(certPath), 'weak'))
    return null
  }
  const words = `${facts.subject}, ${lifeInWords(facts, now)}`
  const left = facts.notAfter.getTime() - now.getTime()
  const isLow = left > 0 && left < (facts.notAfter.getTime() - facts.notBefore.getTime()) * RENEW_BELOW
  checks.push(
    isLow
      ? warn('client pair', `${words} (notAfter ${dateInWords(facts.notAfter)})`, renewClient(certPath), 'expiresSoon')
      : ok('client pair', `${certPath} and its key belong together: ${words}`),
  )
  const pem = parsed.map((certificate) => certificate.toString()).join('')
  const identity = { cert: pem, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
  return { identity, certificate: leaf, facts, helpers, file: certPath }
}

/** The command that issues a client pair anew. */
export function renewClient(certPath: string): string {
  const directory = certPath.includes('/') ? certPath.replace(/\/[^/]*$/, '') || '/' : '.'
  return `redkite certs renew --client --dir ${directory}`
}

async function readText(what: string, path: string, checks: Check[]): Promise<string | null> {
  try {
    return (await readSmallFile(resolve(path))).bytes.toString('latin1')
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    const fix = error.kind === 'denied' ? `let this user read ${path}` : 'correct the path'
    checks.push(fail(what, error.message, fix, error.kind === 'denied' ? 'permissions' : 'badFile'))
    return null
  }
}

function attempt<T>(what: string, checks: Check[], step: () => T): T | null {
  try {
    return step()
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const cause: Cause = /encrypted/.test(error.message) ? 'encryptedKey' : 'badFile'
    checks.push(fail(what, error.message, error.hint ?? 'give another file', cause))
    return null
  }
}
