import type { Command } from 'commander'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { LEAF_DAYS_DEFAULT } from '../../../pki/create.ts'
import type { IssuedCrl } from '../../../pki/crl-write.ts'
import type { KeyKind, Role } from '../../../pki/model.ts'
import { type Renewal, renewCertificates } from '../../../pki/renew.ts'
import { revokeCertificates } from '../../../pki/revoke.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'
import { describeCrl } from './crl-words.ts'
import {
  addKeyOptions,
  addSubjectOptions,
  directoryOption,
  keyRequest,
  type SubjectOptions,
  subjectFrom,
} from './options.ts'

interface RenewOptions extends SubjectOptions {
  readonly dir: string
  readonly server?: boolean
  readonly client?: boolean
  readonly serverName?: string
  readonly clientName?: string
  readonly days?: number
  readonly key?: KeyKind
  readonly revokeOld?: boolean
  readonly output: OutputFormat
}

const EXAMPLES = `
Examples:
  $ redkite certs renew                              # both pairs in ./cert
  $ redkite certs renew --server --dir /etc/redkite/tls
  $ redkite certs renew new.example.com --server     # also add a name
  $ redkite certs renew --client --revoke-old        # the old one is on ca.crl from now on

The certificate authority stays, so clients and servers that trust ca.pem notice nothing. Keys and serial numbers
are new; subject, names and kind of key are those of the old pair, which stays as <name>.old. A running server that
watches the directory takes the new pair up by itself. Needs ca.key and ca.pem, also those that OpenSSL made.`

/** `certs renew`: new pairs under the same authority. */
export function addRenew(certs: Command, io: CliIo): void {
  const command = certs
    .command('renew')
    .description('issue new pairs under the certificate authority that is there')
    .argument('[NAME...]', 'names and addresses to add to the server certificate')
    .addOption(directoryOption())
    .option('--server', 'only the server pair')
    .option('--client', 'only the client pair')
    .option('--server-name <name>', 'another common name for the server; its names are then NAME and the local ones')
    .option('--client-name <name>', 'another common name for the client')
    .option('--revoke-old', 'put the replaced certificates on the revocation list (ca.crl), as superseded')
  addKeyOptions(command, `life in days (default: ${LEAF_DAYS_DEFAULT})`, 'kind of keys (default: as before)')
  addSubjectOptions(command)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action((names: string[], options: RenewOptions) => renew(io, names, options))
}

async function renew(io: CliIo, names: readonly string[], options: RenewOptions): Promise<void> {
  const roles = chosenRoles(options)
  if (names.length > 0 && !roles.includes('server')) {
    const seen = `NAME ${names.join(' ')} with --client alone`
    throw new StartError(
      EXIT.usage,
      `${seen}: only server certificates have names to dial`,
      'leave NAME or --client out',
    )
  }
  const subject = subjectFrom(options)
  const renewals = await renewCertificates({
    directory: options.dir,
    roles,
    names,
    ...(options.serverName === undefined ? {} : { serverName: options.serverName }),
    ...(options.clientName === undefined ? {} : { clientName: options.clientName }),
    ...(subject === null ? {} : { subject }),
    ...keyRequest(options),
    now: new Date(),
  })
  const revoked = options.revokeOld === true ? await revokeReplaced(options.dir, renewals) : null
  const text = [...renewals.map(describe), ...(revoked === null ? [] : [describeCrl(revoked)])].join('\n')
  printResult(io, options.output, text, { renewed: renewals, ...(revoked === null ? {} : { revoked }) })
}

/** The certificates that the renewals replaced; null when all are new. */
async function revokeReplaced(directory: string, renewals: readonly Renewal[]): Promise<IssuedCrl | null> {
  const replaced = renewals.flatMap(({ previous }) => (previous === null ? [] : [previous.serial]))
  if (replaced.length === 0) return null
  const targets = replaced.map((serial) => ({
    serial: serial.replace(/^0+/, ''),
    subject: null,
    issuer: null,
    certificate: null,
  }))
  return revokeCertificates({ directory, targets, reason: 'superseded', now: new Date() })
}

/** Neither flag means both pairs, as the documentation's `renew.sh` does. */
function chosenRoles(options: RenewOptions): readonly Role[] {
  if (options.server === true && options.client !== true) return ['server']
  if (options.client === true && options.server !== true) return ['client']
  return ['server', 'client']
}

function describe({ role, previous, current, certificate, backups }: Renewal): string {
  const day = (date: Date): string => date.toISOString().slice(0, 10)
  const was = previous === null ? [] : [`  was         serial ${previous.serial}, until ${day(previous.notAfter)}`]
  const kept = backups.length === 0 ? [] : [`  kept as     ${backups.join(' ')}`]
  const names = current.names.length === 0 ? [] : [`  names       ${current.names.join(' ')}`]
  return [
    `${previous === null ? 'issued' : 'renewed'} ${role} ${certificate}`,
    `  subject     ${current.subject}`,
    ...names,
    `  serial      ${current.serial}, until ${day(current.notAfter)}`,
    `  sha256      ${current.fingerprint256}`,
    ...was,
    ...kept,
  ].join('\n')
}
