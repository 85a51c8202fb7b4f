import { type Command, Option } from 'commander'
import { CRL_REASONS, isReason } from '../../../pki/crl-entries.ts'
import { CRL_DAYS_DEFAULT } from '../../../pki/crl-write.ts'
import { readTarget, revokeCertificates } from '../../../pki/revoke.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'
import { describeCrl } from './crl-words.ts'
import { directoryOption, wholeNumber } from './options.ts'

const EXAMPLES = `
Examples:
  $ redkite certs revoke client.pem.old --reason superseded
  $ redkite certs revoke 4C0FFEE4AB12 --dir /etc/redkite/tls --reason keyCompromise

Writes ca.crl beside the authority, or the next one with the entries of the last. Needs ca.key and ca.pem. A
certificate stays on the list; issue a new one in its place with redkite certs renew.`

/** Reasons that make sense for a leaf of this authority (RFC 5280 5.3.1). */
const REASONS = Object.keys(CRL_REASONS).filter((name) => name !== 'removeFromCRL')

interface RevokeOptions {
  readonly dir: string
  readonly reason: string
  readonly days: number
  readonly output: OutputFormat
}

/** `certs revoke`: puts certificates on the authority's revocation list. */
export function addRevoke(certs: Command, io: CliIo): void {
  certs
    .command('revoke')
    .description('put certificates on the revocation list of their authority (ca.crl)')
    .argument('<FILE|SERIAL...>', 'certificate files, or serial numbers in hexadecimal')
    .addOption(directoryOption())
    .addOption(new Option('--reason <reason>', 'why').choices(REASONS).default('unspecified'))
    .addOption(new Option('--days <n>', 'how long the list counts').argParser(wholeNumber).default(CRL_DAYS_DEFAULT))
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action(async (meant: string[], { dir, reason, days, output }: RevokeOptions) => {
      const targets = await Promise.all(meant.map(readTarget))
      const known = isReason(reason) ? reason : 'unspecified'
      const issued = await revokeCertificates({ directory: dir, targets, reason: known, days, now: new Date() })
      printResult(io, output, describeCrl(issued), issued)
    })
}
