import type { X509Certificate } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { EXIT, StartError } from '../errors/start-error.ts'
import { type CreateRequest, createCertificateSet } from './create.ts'
import { parsePrivateKey } from './keys.ts'
import { setFiles } from './layout.ts'
import type { CertificateSet, SetFiles } from './model.ts'
import { parseCertificates, readIfPresent, summarize } from './read.ts'
import { renewCertificates } from './renew.ts'

/** A certificate is renewed when less than this part of its life is left. */
export const RENEW_BELOW = 1 / 3

/** What `ensureServerSet` did, and what the operator should be told about it (whole lines, nothing secret). */
export interface EnsuredSet {
  readonly set: CertificateSet
  readonly outcome: 'created' | 'kept' | 'renewed'
  readonly notes: readonly string[]
}

/**
 * Makes sure that `directory` holds a server certificate to serve with, as `run --auto-tls` needs it: creates the
 * whole set where there is none, keeps a valid one, and renews the server pair (same authority, so clients notice
 * nothing) when under a third of its life is left and the authority's key is there. A pair that is there is never
 * replaced because it looks wrong: that is an error for the operator to settle.
 * @throws StartError (config) when files are missing, broken or do not belong together; else as `createCertificateSet`.
 */
export async function ensureServerSet(
  directory: string,
  request: Omit<CreateRequest, 'directory' | 'force'>,
): Promise<EnsuredSet> {
  const files = setFiles(resolve(directory))
  const present = await readServer(files)
  if (present === null) return firstSet(directory, files, request)

  const { certificate, ca } = present
  const { now } = request
  const set = await readSet(files, certificate, ca)
  if (lifeLeft(certificate, now) >= RENEW_BELOW) return { set, outcome: 'kept', notes: missingNames(set, request) }
  const end = certificate.validToDate.toISOString()
  const what = certificate.validToDate <= now ? `expired (notAfter ${end})` : `ends at ${end}`
  if ((await readIfPresent(files.caKey)) === null) {
    return { set, outcome: 'kept', notes: [`${files.server} ${what}, and ${files.caKey} is not there to renew it`] }
  }
  await renewCertificates({ directory, roles: ['server'], names: [request.serverName, ...(request.names ?? [])], now })
  const renewed = await readServer(files)
  if (renewed === null) throw incomplete(files)
  return {
    set: await readSet(files, renewed.certificate, renewed.ca),
    outcome: 'renewed',
    notes: [`${files.server} ${what}; renewed under the same certificate authority`],
  }
}

/** No server pair: a new set, or a server pair under the authority that is there. */
async function firstSet(
  directory: string,
  files: SetFiles,
  request: Omit<CreateRequest, 'directory' | 'force'>,
): Promise<EnsuredSet> {
  if ((await readIfPresent(files.ca)) === null) {
    return { set: await createCertificateSet({ ...request, directory }), outcome: 'created', notes: [] }
  }
  await renewCertificates({ directory, roles: ['server'], ...request })
  const made = await readServer(files)
  if (made === null) throw incomplete(files)
  const notes = [`${files.server} issued under the certificate authority that was there`]
  return { set: await readSet(files, made.certificate, made.ca), outcome: 'renewed', notes }
}

/** The server pair and its authority's certificate, checked to belong together; null when there is no server pair. */
async function readServer(files: SetFiles): Promise<{ certificate: X509Certificate; ca: X509Certificate } | null> {
  const [pem, keyPem, caPem] = await Promise.all([files.server, files.serverKey, files.ca].map(readIfPresent))
  if (pem == null && keyPem == null) return null
  if (pem == null || keyPem == null || caPem == null) throw incomplete(files)
  const [certificate] = parseCertificates(pem, files.server)
  const [ca] = parseCertificates(caPem, files.ca)
  if (!certificate.checkPrivateKey(parsePrivateKey(keyPem, files.serverKey))) {
    throw new StartError(EXIT.config, `${files.serverKey} is not the key of ${files.server}`, remedy(files))
  }
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) {
    throw new StartError(EXIT.config, `${files.server} was not issued by ${files.ca}`, remedy(files))
  }
  return { certificate, ca }
}

async function readSet(files: SetFiles, server: X509Certificate, ca: X509Certificate): Promise<CertificateSet> {
  const client = await readIfPresent(files.client)
  return {
    directory: dirname(files.ca),
    files,
    ca: summarize(ca),
    server: summarize(server),
    client: client === null ? null : summarize(parseCertificates(client, files.client)[0]),
  }
}

/** The part of a certificate's life that is left: 1 at its beginning, 0 or less at its end. */
export function lifeLeft(certificate: X509Certificate, now: Date): number {
  const end = certificate.validToDate.getTime()
  return (end - now.getTime()) / (end - certificate.validFromDate.getTime())
}

function missingNames(set: CertificateSet, request: Pick<CreateRequest, 'serverName' | 'names'>): readonly string[] {
  const wanted = [request.serverName, ...(request.names ?? [])]
  const known = new Set(set.server.names.map((name) => name.toLowerCase()))
  return wanted
    .filter((name) => !known.has(name.toLowerCase()))
    .map((name) => `${set.files.server} does not name ${name}; add it with redkite certs renew --dir ${set.directory}`)
}

function incomplete(files: SetFiles): StartError {
  return new StartError(
    EXIT.config,
    `the certificate set in ${dirname(files.ca)} is incomplete: server.pem, server.key and ca.pem belong together`,
    remedy(files),
  )
}

function remedy(files: SetFiles): string {
  const directory = dirname(files.ca)
  return `see what is wrong with redkite certs verify --dir ${directory}, and mend it with redkite certs renew --dir ${directory}`
}
