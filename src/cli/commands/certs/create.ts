import { isIP } from 'node:net'
import type { Command } from 'commander'
import { createCertificateSet, LEAF_DAYS_DEFAULT } from '../../../pki/create.ts'
import type { CertificateSet, KeyKind } from '../../../pki/model.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'
import { formatReadyLines, type ReadyTls, readyLines } from '../../ready-lines.ts'
import {
  addKeyOptions,
  addSubjectOptions,
  directoryOption,
  keyRequest,
  type SubjectOptions,
  subjectFrom,
} from './options.ts'

interface CreateOptions extends SubjectOptions {
  readonly dir: string
  readonly serverName?: string
  readonly client?: string
  readonly days?: number
  readonly key?: KeyKind
  readonly internal?: boolean
  readonly force?: boolean
  readonly output: OutputFormat
}

const EXAMPLES = `
Examples:
  $ redkite certs create                                      # for this machine, into ./cert
  $ redkite certs create db.example.com 10.0.0.5 --dir /etc/redkite/tls
  $ redkite certs create --internal --server-name node.internal --dir internal   # for a proxy and a node (internaltls.*)
  $ redkite certs create --server-name localhost --client etl --key rsa --organization "Example Ltd"

The seven files: ca.key ca.pem ca.srl server.key server.pem client.key client.pem.
The common name is --server-name, else the first NAME that is no address, else localhost. localhost, 127.0.0.1
and ::1 are always among the server's names. Keep ca.key away from the server; clients need only ca.pem.`

/** `certs create [NAME...]`: a private authority, a server pair and a client pair. */
export function addCreate(certs: Command, io: CliIo): void {
  const command = certs
    .command('create')
    .description('make a private certificate authority, a server pair and a client pair')
    .argument('[NAME...]', 'further names and addresses by which clients dial the server')
    .addOption(directoryOption())
    .option('--server-name <name>', 'common name of the server: the name that clients dial (default: localhost)')
    .option('--client <name>', 'common name of the client', 'client')
  addKeyOptions(command, `life of the two pairs in days (default: ${LEAF_DAYS_DEFAULT})`, 'kind of keys (default: ec)')
  addSubjectOptions(command)
    .option(
      '--internal',
      'the server pair allows clientAuth too: for internal TLS, where each process shows it to the other',
    )
    .option('--force', 'replace a set that is there; its files stay as <name>.old')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action((names: string[], options: CreateOptions) => create(io, names, options))
}

async function create(io: CliIo, names: readonly string[], options: CreateOptions): Promise<void> {
  const serverName =
    options.serverName ?? names.find((name) => isIP(name) === 0 && !name.startsWith('*')) ?? 'localhost'
  const set = await createCertificateSet({
    directory: options.dir,
    serverName,
    names,
    ...keyRequest(options),
    ...(options.client === undefined ? {} : { clientName: options.client }),
    subject: subjectFrom(options) ?? {},
    internal: options.internal ?? false,
    force: options.force ?? false,
    now: new Date(),
  })
  if ((options.days ?? 0) > LEAF_DAYS_DEFAULT) {
    io.stderr(`warning: browsers and Apple's clients refuse server certificates that live longer than 398 days\n`)
  }
  printResult(io, options.output, describe(set, serverName), { ...set, ready: ready(set, serverName) })
  io.stderr(`keep ${set.files.caKey} safe and away from the server: whoever holds it can issue certificates\n`)
}

function ready(set: CertificateSet, serverName: string) {
  const { files } = set
  const host = serverName.startsWith('*') ? 'localhost' : serverName
  const target = { host, port: 19530, restPort: 19530, authentication: false }
  const oneWay: ReadyTls = { kind: 'oneWay', serverPem: files.server, ca: files.ca, serverName: host }
  const mutual: ReadyTls = {
    kind: 'mutual',
    ca: files.ca,
    clientPem: files.client,
    clientKey: files.clientKey,
    serverName: host,
  }
  return { oneWay: readyLines({ ...target, tls: oneWay }), mutual: readyLines({ ...target, tls: mutual }) }
}

function describe(set: CertificateSet, serverName: string): string {
  const { oneWay, mutual } = ready(set, serverName)
  const until = (date: Date): string => date.toISOString().slice(0, 10)
  return [
    `created in ${set.directory}:`,
    `  ca.pem      ${set.ca.subject}, until ${until(set.ca.notAfter)}`,
    `              sha256 ${set.ca.fingerprint256}`,
    `  server.pem  ${set.server.subject}, until ${until(set.server.notAfter)}, names ${set.server.names.join(' ')}`,
    `  client.pem  ${set.client?.subject ?? ''}, until ${until(set.client?.notAfter ?? set.server.notAfter)}`,
    '  ca.key ca.srl server.key client.key',
    '',
    'Serve with them:',
    `  redkite run --tls one-way --tls-dir ${set.directory}`,
    `  redkite run --tls mutual --tls-dir ${set.directory}`,
    '',
    '--- clients of a server in one-way mode (--tls one-way, tlsMode 1)',
    formatReadyLines(oneWay),
    '--- clients of a server in mutual mode (--tls mutual, tlsMode 2)',
    formatReadyLines(mutual),
  ].join('\n')
}
