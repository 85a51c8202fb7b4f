import { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { CLIENT_NAME_DEFAULT, checkDays, LEAF_DAYS_DEFAULT } from './create.ts'
import { type Authority, type IssuedLeaf, issueLeaf, type LeafRequest } from './issue.ts'
import { keyKindOf } from './keys.ts'
import { KEY_MODE, PUBLIC_MODE, pairFiles, setFiles } from './layout.ts'
import { x509 } from './library.ts'
import { withRenewalLock } from './lock.ts'
import type { CertificateSummary, KeyKind, Role, SetFiles, SubjectFields } from './model.ts'
import { type AlternativeName, canonicalAddress, clientNames, serverNames } from './names.ts'
import { CLIENT_AUTH } from './purposes.ts'
import { parseCertificates, readAuthority, readIfPresent, summarize } from './read.ts'
import { formatSerialFile } from './serial.ts'
import { BACKUP_SUFFIX, type PlannedFile, putFiles } from './write.ts'

/** What to renew. What is not given is taken from the certificate that is renewed, or from the defaults of `create`. */
export interface RenewRequest {
  readonly directory: string
  readonly roles: readonly Role[]
  /** Server names to add to those of the present certificate. */
  readonly names?: readonly string[]
  /** Common names and subject for a role that has no certificate yet, or that gets another subject. */
  readonly serverName?: string
  readonly clientName?: string
  readonly subject?: SubjectFields
  readonly days?: number
  readonly key?: KeyKind
  readonly now: Date
}

/** One renewed pair: what it was (null if it is new), what it is, and where its files and the old ones are. */
export interface Renewal {
  readonly role: Role
  readonly previous: CertificateSummary | null
  readonly current: CertificateSummary
  readonly certificate: string
  readonly key: string
  readonly backups: readonly string[]
}

/**
 * Issues new server and client pairs under the authority in `directory`: same authority, same subjects and names, new
 * keys, new serial numbers. Works on a directory that holds only `ca.key`, `ca.pem` and (optionally) `ca.srl`, also
 * one made by OpenSSL. The old pair stays as `<name>.old`; key and certificate change within one moment of each other,
 * and `ca.srl` before them, so that no serial is ever issued twice. One process at a time (`withRenewalLock`).
 * @throws StartError: config when the authority is missing, broken or expired; usage for bad names, subject or days.
 */
export function renewCertificates(request: RenewRequest): Promise<readonly Renewal[]> {
  return withRenewalLock(resolve(request.directory), () => renewNow(request))
}

async function renewNow(request: RenewRequest): Promise<readonly Renewal[]> {
  const files = setFiles(resolve(request.directory))
  const authority = await readAuthority(files, request.now)
  const pairs: { role: Role; previous: X509Certificate | null; leaf: IssuedLeaf }[] = []
  for (const role of request.roles) {
    const previous = await presentLeaf(pairFiles(files, role).certificate)
    const leaf = await issueLeaf(authority, await leafRequest(request, role, previous, authority))
    pairs.push({ role, previous, leaf })
  }
  const last = pairs.at(-1)
  if (last === undefined) return []
  await putFiles([{ path: files.caSerial, content: formatSerialFile(last.leaf.serial), mode: PUBLIC_MODE }], 'replace')
  await putFiles(
    pairs.flatMap(({ role, leaf }) => plannedPair(files, role, leaf, authority)),
    'keepOld',
  )
  return pairs.map(({ role, previous, leaf }) => {
    const { key, certificate } = pairFiles(files, role)
    return {
      role,
      previous: previous === null ? null : summarize(previous),
      current: summarize(new X509Certificate(leaf.certificatePem)),
      certificate,
      key,
      backups: previous === null ? [] : [`${certificate}${BACKUP_SUFFIX}`, `${key}${BACKUP_SUFFIX}`],
    }
  })
}

async function presentLeaf(path: string): Promise<X509Certificate | null> {
  const pem = await readIfPresent(path)
  return pem === null ? null : parseCertificates(pem, path)[0]
}

/** What to issue in place of `previous`: the same subject and names, but for what the request gives. */
export async function leafRequest(
  request: RenewRequest,
  role: Role,
  previous: X509Certificate | null,
  authority: Authority,
): Promise<LeafRequest> {
  const given = role === 'server' ? request.serverName : request.clientName
  const known = previous === null ? null : await identityOf(previous)
  const commonName = given ?? known?.commonName ?? (role === 'server' ? 'localhost' : CLIENT_NAME_DEFAULT)
  const sameSubject = known !== null && given === undefined && request.subject === undefined
  return {
    role,
    // a server pair that was made for both roles (`certs create --internal`) stays so
    isPeer: role === 'server' && (previous?.keyUsage?.includes(CLIENT_AUTH) ?? false),
    subject: sameSubject ? { der: known.subject } : { fields: request.subject ?? {}, commonName },
    names: renewedNames(request.names ?? [], role, commonName, given === undefined ? (known?.names ?? null) : null),
    key: request.key ?? keyKindOf((previous ?? authority.certificate).publicKey),
    days: checkDays(request.days ?? LEAF_DAYS_DEFAULT),
    now: request.now,
  }
}

/** The names of the present certificate, and the given ones; those of `create` where there are none to keep. */
function renewedNames(
  given: readonly string[],
  role: Role,
  commonName: string,
  present: readonly AlternativeName[] | null,
): readonly AlternativeName[] {
  if (present === null) return role === 'server' ? serverNames(commonName, given) : clientNames(commonName)
  if (role === 'client') return present
  const known = new Set(present.map((name) => name.value))
  // The documentation's certificates lack the local addresses; a renewal adds them, and takes no name away.
  const [first = 'localhost', ...rest] = given
  return [...present, ...serverNames(first, rest).filter((name) => !known.has(name.value))]
}

/** What a renewal takes over from a certificate, read from its DER. Names of types that are not issued here are lost. */
async function identityOf(certificate: X509Certificate): Promise<Identity> {
  const library = await x509()
  const parsed = new library.X509Certificate(certificate.raw)
  const items = parsed.getExtension(library.SubjectAlternativeNameExtension)?.names.items ?? []
  return {
    subject: parsed.subjectName.toArrayBuffer(),
    commonName: parsed.subjectName.getField('CN').at(-1) ?? null,
    names: items.flatMap(({ type, value }): AlternativeName[] => {
      if (type === 'ip') return [{ type, value: canonicalAddress(value) }]
      return type === 'dns' || type === 'email' || type === 'url' ? [{ type, value }] : []
    }),
  }
}

interface Identity {
  readonly subject: ArrayBuffer
  readonly commonName: string | null
  readonly names: readonly AlternativeName[]
}

function plannedPair(files: SetFiles, role: Role, leaf: IssuedLeaf, authority: Authority): readonly PlannedFile[] {
  const { key, certificate } = pairFiles(files, role)
  const chain = role === 'server' ? pemText(authority.certificate) : ''
  return [
    { path: key, content: leaf.keyPem, mode: KEY_MODE },
    { path: certificate, content: leaf.certificatePem + chain, mode: PUBLIC_MODE },
  ]
}

function pemText(certificate: X509Certificate): string {
  return `${certificate.toString().trimEnd()}\n`
}
