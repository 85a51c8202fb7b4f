import type { Command } from 'commander'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { readTarget } from '../../../pki/revoke.ts'
import { beginDenyList, type DenyEdited, editDenyList } from '../../../tls/revocation/deny-edit.ts'
import { type DenyEntry, formatDenyEntry, parseDenyList, spki256 } from '../../../tls/revocation/deny-list.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'

const EXAMPLES = `
Examples:
  $ redkite tls deny --init --list /etc/redkite/deny.txt
  $ redkite tls deny client.pem --list /etc/redkite/deny.txt --reason "laptop stolen"
  $ redkite tls deny 4C0FFEE4AB12 --list /etc/redkite/deny.txt
  $ redkite tls deny client.pem --key --list /etc/redkite/deny.txt
  $ redkite tls deny client.pem --remove --list /etc/redkite/deny.txt

A server whose redkite.tls.denyListPath names the file refuses them within a second, and ends their open connections;
no authority and no restart is needed. A certificate file is denied by serial number and issuer; with --key, by its
public key, so that other certificates of that key are refused as well. A certificate of an authority of the CA file
denies all that it issued.`

interface DenyOptions {
  readonly list: string
  readonly reason?: string
  readonly key?: boolean
  readonly remove?: boolean
  readonly init?: boolean
  readonly output: OutputFormat
}

/** `tls deny`: edits the deny list of running servers. */
export function addDeny(tls: Command, io: CliIo): void {
  tls
    .command('deny')
    .description('refuse client certificates from now on, by editing the deny list of a server')
    .argument('[FILE|SERIAL...]', 'certificate files, serial numbers in hexadecimal, or entries such as spki:SHA256')
    .requiredOption('--list <file>', 'the file of redkite.tls.denyListPath')
    .option('--reason <text>', 'why; the log says it with each refusal')
    .option('--key', 'deny the public key of certificate files')
    .option('--remove', 'take them off the list')
    .option('--init', 'begin a list without entries where there is none')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action((meant: string[], options: DenyOptions) => deny(io, meant, options))
}

async function deny(io: CliIo, meant: readonly string[], options: DenyOptions): Promise<void> {
  const { list, output, init = false, remove = false } = options
  if (meant.length === 0 && !init) {
    throw new StartError(EXIT.usage, 'nothing to deny', 'give certificate files or serial numbers, or --init')
  }
  if (init && remove) throw new StartError(EXIT.usage, '--init and --remove exclude each other', 'leave one out')
  const reason = oneLineReason(options.reason ?? '')
  const entries = await Promise.all(meant.map((one) => entryOf(one, reason, options.key === true)))
  const begun = init ? await beginDenyList(list) : null
  if (entries.length === 0) {
    const text = `${begun?.created ? 'began' : 'there is already'} ${begun?.path}`
    printResult(io, output, text, begun)
    return
  }
  const edited = await editDenyList({ path: list, entries, remove })
  printResult(io, output, describe(edited, remove), edited)
}

async function entryOf(argument: string, reason: string, byKey: boolean): Promise<DenyEntry> {
  if (/^(serial|spki|sha256):/i.test(argument)) {
    const { entries, faults } = parseDenyList(argument)
    const [entry] = entries
    if (entry) return { ...entry, reason: reason === '' ? entry.reason : reason }
    throw new StartError(
      EXIT.usage,
      `${argument}: ${faults[0]?.message ?? 'not an entry'}`,
      'see redkite tls deny --help',
    )
  }
  const { serial, subject, issuer, certificate } = await readTarget(argument)
  if (certificate === null) {
    if (!byKey) return { kind: 'serial', value: serial, issuer: null, reason }
    throw new StartError(
      EXIT.usage,
      `--key needs a certificate file, not the serial number ${argument}`,
      'give the file',
    )
  }
  // The name tells the next reader of the list who that was.
  const named = [reason, subject ?? ''].filter((part) => part !== '').join('; ')
  if (byKey) return { kind: 'spki', value: spki256(certificate), issuer: null, reason: named }
  return { kind: 'serial', value: serial, issuer, reason: named }
}

function oneLineReason(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text.trim()
  throw new StartError(
    EXIT.usage,
    `the reason ${JSON.stringify(text)} holds a control character`,
    'write it on one line',
  )
}

function describe({ path, added, removed, unchanged, size }: DenyEdited, isRemoval: boolean): string {
  const lines = [
    ...added.map((entry) => `denied ${formatDenyEntry(entry)}`),
    ...removed.map((entry) => `no longer denied ${formatDenyEntry(entry)}`),
    ...unchanged.map((entry) => `${isRemoval ? 'was not denied' : 'was denied already'} ${formatDenyEntry(entry)}`),
    `${path}: ${size} ${size === 1 ? 'entry' : 'entries'}`,
  ]
  return lines.join('\n')
}
