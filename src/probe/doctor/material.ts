import type { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  checkAuthority,
  checkChain,
  checkLife,
  checkNames,
  checkPurpose,
  type LoadedCertificate,
  type LoadedPair,
} from '../../pki/checks.ts'
import { certificateFacts } from '../../pki/facts.ts'
import type { Finding } from '../../pki/findings.ts'
import { parseCertificates, readIfPresent } from '../../pki/read.ts'
import { MaterialFault } from '../../tls/fault.ts'
import { octal, readTlsFiles } from '../../tls/files.ts'
import type { Generation } from '../../tls/generation.ts'
import { otherReaders } from '../../tls/permissions.ts'
import { prepareGeneration } from '../../tls/prepare.ts'
import type { TlsSettings } from '../../tls/settings.ts'
import { type Cause, type Check, fail, ok, warn } from '../check.ts'
import { checkExpiry } from '../server-certificate.ts'

/** Names that the clients of a port dial. */
export interface PortNames {
  /** Advertised: a certificate that does not carry one is refused by those who dial it. */
  readonly advertised: readonly string[]
  /** Listened on; whether anybody dials it, only the network knows. */
  readonly bound: readonly string[]
}

/** Both a server and a client of the same port can be looked at where their files lie together. */
const RENEW = 'redkite certs renew --server'

/**
 * Loads the material of a port exactly as the server does, proof handshake included, and then asks of it what clients
 * will: chain, names, purpose, dates; and who else can read or replace the files.
 */
export async function checkPortMaterial(settings: TlsSettings, names: PortNames, now: Date): Promise<readonly Check[]> {
  const section = settings.section ?? 'tls'
  let generation: Generation
  try {
    generation = await prepareGeneration(1, await readTlsFiles(settings), settings, now)
  } catch (error) {
    if (!(error instanceof MaterialFault)) throw error
    return [fail(section, error.message, error.hint, causeOf(error.message))]
  }
  const { files } = settings
  const directory = dirname(resolve(files.serverPem))
  const what = `${section} certificate`
  const leaf = await load(generation.leaf)
  const [, ...helpers] = generation.chain
  const renew = `${RENEW} --dir ${directory}`
  const pair: LoadedPair = {
    role: 'server',
    certificateFile: 'server.pem',
    keyFile: 'server.key',
    leaf,
    helpers,
    key: null,
    renew,
  }
  const anchors = generation.anchors.length > 0 ? generation.anchors : await anchorsBeside(directory)
  const checks: Check[] = [
    ok(section, `loads as the server loads it, with a proof handshake: ${files.serverPem}`),
    ...generation.warnings.filter((text) => !TOLD_BELOW.test(text)).map((text) => warningCheck(section, text)),
    checkExpiry(leaf.facts, now, what, renew),
    ...[...checkPurpose(pair), ...checkLife(pair, null), ...(anchors.length > 0 ? checkChain(pair, anchors) : [])].map(
      (finding) => fromFinding(what, finding),
    ),
    ...nameChecks(what, pair, names),
    ...(await authorityChecks(section, generation, now)),
    ...(await caKeyBeside(section, directory)),
  ]
  return checks
}

/** `server.pem` against each name; a bound address is only looked at, since clients may dial another. */
function nameChecks(what: string, pair: LoadedPair, { advertised, bound }: PortNames): readonly Check[] {
  const asked = checkNames(pair, advertised).map((finding) => fromFinding(what, finding))
  const more = checkNames(pair, bound)
    .filter(({ text }) => /^does not name|^clients may dial/.test(text))
    .map((finding) => fromFinding(what, finding.level === 'fail' ? { ...finding, level: 'warn' } : finding))
  return [...asked, ...more]
}

/** Each authority that clients must lead to. */
async function authorityChecks(section: string, generation: Generation, now: Date): Promise<readonly Check[]> {
  const what = `${section} CA`
  const checks: Check[] = []
  for (const anchor of generation.anchors) {
    const ca = await load(anchor)
    if (anchor.raw.equals(generation.leaf.raw)) {
      const detail = 'the CA file holds the server certificate itself: no client has a certificate that it issued'
      checks.push(fail(what, detail, 'name ca.pem in tls.caPemPath', 'leafAsRoot'))
      continue
    }
    checks.push(...checkAuthority('ca.pem', ca, null).map((finding) => fromFinding(what, finding)))
    const anew = 'make a new set with redkite certs create, and give its ca.pem to every client'
    checks.push(checkExpiry(ca.facts, now, what, anew))
  }
  return checks
}

/** The key of the authority has no business beside a server, least of all where others can read it. */
async function caKeyBeside(section: string, directory: string): Promise<readonly Check[]> {
  const path = join(directory, 'ca.key')
  const status = await stat(path).catch(() => null)
  if (status === null) return []
  const what = `${section} CA key`
  const readers = otherReaders({ mode: status.mode & 0o7777, uid: status.uid, gid: status.gid })
  if (readers !== null) {
    const detail = `${path} can be read by ${readers} (mode ${octal(status.mode & 0o7777)}): they can issue certificates`
    return [fail(what, detail, `chmod 600 ${path}, or keep it on another machine`, 'permissions')]
  }
  const detail = `${path} lies beside the server: whoever breaks in can issue certificates`
  return [ok(what, `${detail}; needed here only to renew by itself`)]
}

async function anchorsBeside(directory: string): Promise<readonly X509Certificate[]> {
  for (const name of ['ca.pem', 'ca.crt']) {
    try {
      const pem = await readIfPresent(join(directory, name))
      if (pem !== null) return parseCertificates(pem, name)
    } catch {
      // In one-way mode the server does not read it; what is wrong with it is `certs verify`'s to say.
    }
  }
  return []
}

async function load(certificate: X509Certificate): Promise<LoadedCertificate> {
  return { certificate, facts: await certificateFacts(certificate) }
}

/** A line of the certificate toolkit as a line of this report. */
export function fromFinding(what: string, { level, text, fix }: Finding): Check {
  if (level === 'ok') return ok(what, text)
  const make = level === 'fail' ? fail : warn
  return make(what, text, fix ?? RENEW, causeOf(text))
}

/** What the loader warns of and the checks here say in more words. */
const TOLD_BELOW = /expired|not valid before|no subject alternative name|lacks serverAuth/

/** A warning of the loader: `key: path text; remedy`. */
function warningCheck(section: string, text: string): Check {
  const [detail = text, remedy = 'see redkite certs verify'] = text.split('; ')
  const place = /: (\S+) can be (?:read|written)/.exec(detail)?.[1]
  const fix = place === undefined ? remedy : remedy.replace(/ it$/, ` ${place}`)
  return warn(`${section} files`, detail, fix, causeOf(detail))
}

const CAUSES: readonly (readonly [RegExp, Cause])[] = [
  [/does not match|not its key|key type does not/, 'keyMismatch'],
  [/encrypted with a passphrase|passphrase/, 'encryptedKey'],
  [/permission denied|can be (read|written)/, 'permissions'],
  [/serverAuth only/, 'serverAuthOnly'],
  [/does not name|names localhost but not/, 'nameMismatch'],
  [/no subject alternative name/, 'noNames'],
  [/expired|ends in|outlives/, 'expired'],
  [/not valid (for|before)/, 'notYetValid'],
  [/not issued by|unknown authority/, 'wrongCa'],
  [/does not carry its authority/, 'leafAsRoot'],
  [/extendedKeyUsage|keyUsage|is itself a certificate authority|not a certificate authority/, 'purpose'],
  [/too weak|bits|curve|not supported/, 'weak'],
]

/** The cause that a text of the TLS or certificate parts names. */
export function causeOf(text: string): Cause {
  return CAUSES.find(([pattern]) => pattern.test(text))?.[1] ?? 'badFile'
}
