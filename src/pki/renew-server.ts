import { createPrivateKey, X509Certificate } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { EXIT, StartError } from '../errors/start-error.ts'
import { type Authority, issueLeaf } from './issue.ts'
import { KEY_MODE, PUBLIC_MODE, SET_NAMES } from './layout.ts'
import { withRenewalLock } from './lock.ts'
import type { CertificateSummary } from './model.ts'
import { parseCertificates, readIfPresent, summarize } from './read.ts'
import { leafRequest } from './renew.ts'
import { formatSerialFile } from './serial.ts'
import { putFiles } from './write.ts'

const DAY_MS = 86_400_000

/** One server pair to renew, wherever its files are. */
export interface ServerRenewal {
  readonly certificatePath: string
  readonly keyPath: string
  readonly authority: Authority
  /** Where the authority's key is kept: its `ca.srl` is brought up to date where there is one. */
  readonly authorityDirectory: string
  /** The new key is encrypted with it (PKCS#8, PBES2 with AES-256); null = not encrypted. */
  readonly passphrase: string | null
  /** Asked with the certificate as it is now, when nobody else can renew it: another process may have been faster. */
  isDue(certificate: X509Certificate): boolean
  readonly now: Date
}

/**
 * Issues a new pair for the subject, names and life of the present server certificate, with a new key, and puts it in
 * its place: key first (0600), certificate at once after, each by rename; what was there stays as `<name>.old`. What
 * follows the leaf in its file stays. Null when it is no longer due.
 * @throws StartError when the authority ends before a new certificate would help, or a file cannot be written
 */
export async function renewServerPair(
  request: ServerRenewal,
): Promise<{ readonly previous: CertificateSummary; readonly current: CertificateSummary } | null> {
  const { authority, now } = request
  // a rename onto a link would put a file in its place
  const [certificatePath, keyPath] = await Promise.all([
    realpath(request.certificatePath),
    realpath(request.keyPath).catch(() => request.keyPath),
  ])
  return withRenewalLock(dirname(certificatePath), async () => {
    const pem = await readIfPresent(certificatePath)
    if (pem === null) throw missing(certificatePath)
    const [previous, ...rest] = parseCertificates(pem, certificatePath)
    if (!request.isDue(previous)) return null
    if (authority.certificate.validToDate <= previous.validToDate) throw authorityEnds(authority, previous)
    const life = previous.validToDate.getTime() - previous.validFromDate.getTime()
    const asked = await leafRequest({ directory: '', roles: ['server'], now }, 'server', previous, authority)
    const leaf = await issueLeaf(authority, { ...asked, days: life / DAY_MS })
    await writeSerial(request.authorityDirectory, leaf.serial)
    await putFiles(
      [
        { path: keyPath, content: sealed(leaf.keyPem, request.passphrase), mode: KEY_MODE },
        {
          path: certificatePath,
          content: [leaf.certificatePem, ...rest.map((certificate) => certificate.toString())].join(''),
          mode: PUBLIC_MODE,
        },
      ],
      'keepOld',
    )
    return { previous: summarize(previous), current: summarize(new X509Certificate(leaf.certificatePem)) }
  })
}

function sealed(keyPem: string, passphrase: string | null): string {
  if (passphrase === null) return keyPem
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return createPrivateKey(keyPem).export(options).toString()
}

/** `ca.srl` before the pair, so that OpenSSL's tools never issue the same serial; one that is not there is not made. */
async function writeSerial(directory: string, serial: string): Promise<void> {
  const path = join(directory, SET_NAMES.caSerial)
  if ((await readIfPresent(path)) === null) return
  await putFiles([{ path, content: formatSerialFile(serial), mode: PUBLIC_MODE }], 'replace')
}

function missing(path: string): StartError {
  return new StartError(EXIT.config, `${path} is missing`, `put ${basename(path)} back: it says what to renew`)
}

function authorityEnds({ certificate }: Authority, leaf: X509Certificate): StartError {
  const end = certificate.validToDate.toISOString()
  return new StartError(
    EXIT.config,
    `its certificate authority ends at ${end}, not after the certificate itself (${leaf.validToDate.toISOString()})`,
    'make a new authority: redkite certs create --force, and give its ca.pem to every client before',
  )
}
