import { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EXIT, StartError } from '../errors/start-error.ts'
import { AUTHORITY_DAYS, type Authority, issueAuthority, issueLeaf } from './issue.ts'
import { parsePrivateKey } from './keys.ts'
import { KEY_MODE, PUBLIC_MODE, SET_NAMES, setFiles } from './layout.ts'
import type { CertificateSet, KeyKind, SubjectFields } from './model.ts'
import { clientNames, serverNames } from './names.ts'
import { summarize } from './read.ts'
import { formatSerialFile } from './serial.ts'
import { alreadyThere, makeDirectory, type PlannedFile, putFiles } from './write.ts'

/** Browsers, Apple's and Google's clients take no server certificate that lives longer (CA/Browser Forum, 398 days). */
export const LEAF_DAYS_DEFAULT = 397

/** Common name of the client certificate when none is given. */
export const CLIENT_NAME_DEFAULT = 'client'

/** What to create. Only `directory`, `serverName` and `now` are needed; the rest has the defaults named here. */
export interface CreateRequest {
  readonly directory: string
  /** Common name of the server certificate, and its first alternative name: the name that clients dial. */
  readonly serverName: string
  /** More names and addresses of the server; `localhost`, `127.0.0.1` and `::1` are always added. */
  readonly names?: readonly string[]
  /** Common name of the client certificate; default `client`. */
  readonly clientName?: string
  /** Life of the two leaf certificates; default 397. */
  readonly days?: number
  /** Default `ec`. */
  readonly key?: KeyKind
  readonly subject?: SubjectFields
  /**
   * The server pair also allows clientAuth: for internal TLS, where a process shows the same pair to its peers on both
   * sides (`internaltls.*`). Default false: a server's key is no client.
   */
  readonly internal?: boolean
  /** The clock. */
  readonly now: Date
  /** Replace what is there; the replaced files stay as `<name>.old`. Default false. */
  readonly force?: boolean
}

/**
 * Makes a private certificate authority, a server pair and a client pair, and writes them to `directory` as the seven
 * files `ca.key ca.pem ca.srl server.key server.pem client.key client.pem`. `server.pem` is the leaf followed by the
 * authority, so that it also works as a trust anchor, in clients that want a self-signed one there.
 * @throws StartError: usage for a bad name, subject or number of days; cannotCreate when a file of a set is there
 * already and `force` is not given; noPermission or io when the directory cannot be written.
 */
export async function createCertificateSet(request: CreateRequest): Promise<CertificateSet> {
  const directory = resolve(request.directory)
  const files = setFiles(directory)
  const { key = 'ec', subject = {}, now, clientName = CLIENT_NAME_DEFAULT, force = false } = request
  const days = checkDays(request.days ?? LEAF_DAYS_DEFAULT)
  const names = serverNames(request.serverName, request.names ?? [])
  if (!force) await refuseOverwriting(directory)

  const ca = await issueAuthority({ subject, key, now })
  const authority: Authority = {
    certificate: new X509Certificate(ca.certificatePem),
    key: parsePrivateKey(ca.keyPem, files.caKey),
  }
  const leaf = { key, days, now }
  const server = await issueLeaf(authority, {
    ...leaf,
    role: 'server',
    isPeer: request.internal ?? false,
    subject: { fields: subject, commonName: request.serverName },
    names,
  })
  const client = await issueLeaf(authority, {
    ...leaf,
    role: 'client',
    subject: { fields: subject, commonName: clientName },
    names: clientNames(clientName),
  })

  await makeDirectory(directory)
  const planned: readonly PlannedFile[] = [
    { path: files.caKey, content: ca.keyPem, mode: KEY_MODE },
    { path: files.ca, content: ca.certificatePem, mode: PUBLIC_MODE },
    { path: files.caSerial, content: formatSerialFile(client.serial), mode: PUBLIC_MODE },
    { path: files.serverKey, content: server.keyPem, mode: KEY_MODE },
    { path: files.server, content: server.certificatePem + ca.certificatePem, mode: PUBLIC_MODE },
    { path: files.clientKey, content: client.keyPem, mode: KEY_MODE },
    { path: files.client, content: client.certificatePem, mode: PUBLIC_MODE },
  ]
  await putFiles(planned, force ? 'keepOld' : 'create')
  return {
    directory,
    files,
    ca: summarize(authority.certificate),
    server: summarize(new X509Certificate(server.certificatePem)),
    client: summarize(new X509Certificate(client.certificatePem)),
  }
}

/** Checks the life of a leaf. @throws StartError (usage) unless it is a whole number within the authority's life. */
export function checkDays(days: number): number {
  if (Number.isInteger(days) && days >= 1 && days <= AUTHORITY_DAYS) return days
  throw new StartError(
    EXIT.usage,
    `days ${days} is not a whole number from 1 to ${AUTHORITY_DAYS}`,
    `leave --days out for ${LEAF_DAYS_DEFAULT}; some clients refuse server certificates that live longer`,
  )
}

async function refuseOverwriting(directory: string): Promise<void> {
  const files = setFiles(directory)
  const present = await Promise.all(
    Object.values(files).map((path) =>
      stat(path).then(
        () => path,
        () => null,
      ),
    ),
  )
  const found = present.filter((path) => path !== null)
  if (found.length === 0) return
  const all = found.length === Object.keys(SET_NAMES).length
  throw alreadyThere(all ? [`the certificate set in ${directory}`] : found)
}
