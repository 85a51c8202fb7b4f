import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { StartError } from '../errors/start-error.ts'
import {
  checkAuthority,
  checkChain,
  checkDates,
  checkLife,
  checkNames,
  checkPair,
  checkPurpose,
  type LoadedCertificate,
  type LoadedPair,
} from './checks.ts'
import { RENEW_BELOW } from './ensure.ts'
import { certificateFacts } from './facts.ts'
import { type Finding, failure, good, warning } from './findings.ts'
import { parsePrivateKey } from './keys.ts'
import { pairFiles, setFiles } from './layout.ts'
import type { Role, SetFiles } from './model.ts'
import { parseCertificates, readIfPresent } from './read.ts'
import { parseSerialFile } from './serial.ts'

/** An authority should be replaced in the last tenth of its life: every client has to get the new one. */
const REPLACE_AUTHORITY_BELOW = 1 / 10

/** What was found in a set. `fit` is false when any finding failed. */
export interface Verification {
  readonly directory: string
  readonly fit: boolean
  readonly findings: readonly Finding[]
}

/** The set to verify; `names` are names and addresses that clients must be able to dial. */
export interface VerifyRequest {
  readonly directory: string
  readonly names?: readonly string[]
  readonly now: Date
}

/**
 * Checks a set of certificates as clients and servers will: that every file reads, pairs match, chains lead to
 * `ca.pem`, purposes, names, dates, strength and permissions are right. A broken file is a finding, never an error.
 */
export async function verifySet({ directory, names = [], now }: VerifyRequest): Promise<Verification> {
  const files = setFiles(directory)
  const findings: Finding[] = []
  const authorities = await loadAuthorities(files, findings)
  const caKey = await loadKey(files.caKey, findings, restoreFix(files.caKey))
  for (const ca of authorities) {
    findings.push(...checkAuthority('ca.pem', ca, ca === authorities[0] ? caKey : null))
    const anew = 'make a new set with redkite certs create, and give its ca.pem to every client'
    findings.push(...checkDates('ca.pem', ca.facts, now, REPLACE_AUTHORITY_BELOW, anew))
  }
  findings.push(...(await checkSerial(files)))
  for (const role of ['server', 'client'] as const) {
    const pair = await loadPair(files, role, findings)
    if (pair === null) continue
    findings.push(...checkPair(pair))
    if (authorities.length > 0)
      findings.push(
        ...checkChain(
          pair,
          authorities.map((ca) => ca.certificate),
        ),
      )
    findings.push(...checkPurpose(pair))
    if (role === 'server') findings.push(...checkNames(pair, names))
    findings.push(...checkDates(pair.certificateFile, pair.leaf.facts, now, RENEW_BELOW, pair.renew))
    findings.push(...checkLife(pair, authorities[0] ?? null))
  }
  findings.push(...(await checkPermissions(files)))
  return { directory: resolve(directory), fit: findings.every((finding) => finding.level !== 'fail'), findings }
}

async function loadAuthorities(files: SetFiles, findings: Finding[]): Promise<readonly LoadedCertificate[]> {
  const fix = `copy it here from where the set was made, or make a set: redkite certs create --dir ${dirname(files.ca)}`
  const pem = await attempt(files.ca, findings, fix, () => readIfPresent(files.ca))
  if (pem === null) {
    if (!findings.some((finding) => finding.file === 'ca.pem')) {
      findings.push(failure('ca.pem', 'is missing: chains cannot be checked, and mutual mode cannot start', fix))
    }
    return []
  }
  const parsed = await attempt(files.ca, findings, fix, () => parseCertificates(pem, files.ca))
  return parsed === null ? [] : Promise.all(parsed.map(load))
}

/** The pair of a role, or null, with a finding, when its certificate cannot be read. Without a client pair all is well. */
async function loadPair(files: SetFiles, role: Role, findings: Finding[]): Promise<LoadedPair | null> {
  const { certificate, key } = pairFiles(files, role)
  const verb = findings.some(isNoAuthority) ? 'create' : `renew --${role}`
  const renew = `redkite certs ${verb} --dir ${dirname(certificate)}`
  const before = findings.length
  const pem = await attempt(certificate, findings, renew, () => readIfPresent(certificate))
  const loadedKey = await loadKey(key, findings, renew)
  const keyPresent = loadedKey !== null || findings.length > before
  if (pem === null) {
    if (findings.length > before) return null
    if (role === 'client' && !keyPresent)
      findings.push(good('client.pem', 'not here: this set serves, and has no client pair'))
    else findings.push(failure(basename(certificate), 'is missing', renew))
    return null
  }
  if (!keyPresent) findings.push(failure(basename(key), 'is missing', renew))
  const parsed = await attempt(certificate, findings, renew, () => parseCertificates(pem, certificate))
  if (parsed === null) return null
  const [leaf, ...helpers] = parsed
  const names = { certificateFile: basename(certificate), keyFile: basename(key) }
  return { role, ...names, leaf: await load(leaf), helpers, key: loadedKey, renew }
}

/** Without `ca.pem` nothing can be renewed, only made. */
function isNoAuthority(finding: Finding): boolean {
  return finding.level === 'fail' && finding.file === 'ca.pem' && finding.text.startsWith('is missing')
}

async function loadKey(path: string, findings: Finding[], fix: string) {
  const pem = await attempt(path, findings, fix, () => readIfPresent(path))
  return pem === null ? null : attempt(path, findings, fix, () => parsePrivateKey(pem, path))
}

async function load(certificate: LoadedCertificate['certificate']): Promise<LoadedCertificate> {
  return { certificate, facts: await certificateFacts(certificate) }
}

/** Runs a step on a file; what stops it becomes a failed finding, and the result is null. */
async function attempt<T>(
  path: string,
  findings: Finding[],
  fix: string,
  step: () => T | Promise<T>,
): Promise<T | null> {
  try {
    return await step()
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const text = error.message.replace(`${path}: `, '').replace(` ${path}`, '')
    findings.push(failure(basename(path), text, error.hint ?? fix))
    return null
  }
}

/** `ca.srl` may be absent: OpenSSL makes one with `-CAcreateserial`, and our serials are random. */
async function checkSerial(files: SetFiles): Promise<readonly Finding[]> {
  const text = await readIfPresent(files.caSerial).catch(() => '')
  if (text === null) return []
  if (parseSerialFile(text) !== null) return [good('ca.srl', 'holds the last serial number')]
  const fix = `remove it, and let redkite certs renew --dir ${dirname(files.ca)} write it anew`
  return [warning('ca.srl', 'is not the hexadecimal line that OpenSSL reads', fix)]
}

/** Keys are for their owner alone, and nobody else may replace a file of the set. Windows keeps no such bits. */
async function checkPermissions(files: SetFiles): Promise<readonly Finding[]> {
  if (process.platform === 'win32') return []
  const findings: Finding[] = []
  for (const path of Object.values(files)) {
    const mode = await modeOf(path)
    if (mode === null) continue
    const secret = path.endsWith('.key')
    const fix = `chmod ${secret ? '600' : '644'} ${path}`
    const shown = mode.toString(8).padStart(4, '0')
    if ((mode & 0o022) !== 0)
      findings.push(failure(basename(path), `can be replaced by other users (mode ${shown})`, fix))
    else if (secret && (mode & 0o004) !== 0) {
      findings.push(failure(basename(path), `can be read by every user of this machine (mode ${shown})`, fix))
    } else if (secret && (mode & 0o040) !== 0) {
      findings.push(warning(basename(path), `can be read by its group (mode ${shown})`, fix))
    } else if (secret) findings.push(good(basename(path), `readable by its owner only (mode ${shown})`))
  }
  const directory = dirname(files.ca)
  const mode = await modeOf(directory)
  if (mode !== null && (mode & 0o022) !== 0 && (mode & 0o1000) === 0) {
    const text = `other users can replace files in this directory (mode ${mode.toString(8).padStart(4, '0')})`
    findings.push(failure(basename(directory), text, `chmod 700 ${directory}`))
  }
  return findings
}

async function modeOf(path: string): Promise<number | null> {
  const status = await stat(path).catch(() => null)
  return status === null ? null : status.mode & 0o7777
}

function restoreFix(path: string): string {
  return `restore ${path} from a copy; without it no pair can be renewed`
}
