import { type Command, Option } from 'commander'
import { CRL_DAYS_DEFAULT, issueCrl } from '../../../pki/crl-write.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'
import { describeCrl } from './crl-words.ts'
import { directoryOption, wholeNumber } from './options.ts'

const EXAMPLES = `
Examples:
  $ redkite certs crl                        # the next ca.crl in ./cert, with the entries of the last
  $ redkite certs crl --dir /etc/redkite/tls --days 30

Run it before the list in use expires, for example once a day. A list without entries is of use as well: with
redkite.tls.crlMode hard a client is admitted only while the list of its authority is current.`

interface CrlOptions {
  readonly dir: string
  readonly days: number
  readonly output: OutputFormat
}

/** `certs crl`: makes the revocation list anew. */
export function addCrl(certs: Command, io: CliIo): void {
  certs
    .command('crl')
    .description('make the revocation list of the authority (ca.crl) anew, with new dates and the next number')
    .addOption(directoryOption())
    .addOption(new Option('--days <n>', 'how long the list counts').argParser(wholeNumber).default(CRL_DAYS_DEFAULT))
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action(async ({ dir, days, output }: CrlOptions) => {
      const issued = await issueCrl({ directory: dir, revoked: [], days, now: new Date() })
      printResult(io, output, describeCrl(issued), issued)
    })
}
