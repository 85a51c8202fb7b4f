import { type Command, Option } from 'commander'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { callAdmin } from '../../../probe/admin-client.ts'
import type { CloseReport, ConnectionReport, ConnectionsReport } from '../../../protocol/admin/administration.ts'
import { type CliIo, printResult } from '../../io.ts'
import { table } from '../../table.ts'
import { addTargetOptions, TARGET_HELP, type TargetOptions, targetOf } from './target.ts'

const EXAMPLES = `
Examples:
  $ redkite tls connections --ca tls/ca.pem --password-file root.password
  $ redkite tls close --id proxy:12 --ca tls/ca.pem --password-file root.password
  $ redkite tls close --certificate-user alice --ca tls/ca.pem --password-file root.password
${TARGET_HELP}`

interface CloseOptions extends TargetOptions {
  readonly id?: string
  readonly fingerprint?: string
  readonly certificateUser?: string
}

/** `tls connections` and `tls close`: who is connected, and sending somebody away. */
export function addConnections(tls: Command, io: CliIo): void {
  addTargetOptions(tls.command('connections'))
    .description('open connections of a running server: version, cipher, group, client certificate')
    .addHelpText('after', EXAMPLES)
    .action(async (options: TargetOptions) => {
      const answer = await callAdmin(await targetOf(options), 'GET', '/redkite/v1/tls/connections')
      // The answer of a server of ours: its shape is the API's (docs/reference/admin-api.md).
      const report = answer as ConnectionsReport
      printResult(io, options.output, describe(report), report)
    })
  addTargetOptions(tls.command('close'))
    .description('send connections of a running server away: one, or all of a client certificate')
    .addOption(new Option('--id <id>', 'one connection, as tls connections prints it'))
    .addOption(new Option('--fingerprint <sha256>', 'all connections of this client certificate'))
    .addOption(new Option('--certificate-user <name>', 'all connections whose client certificate is of this user'))
    .addHelpText('after', EXAMPLES)
    .action(async (options: CloseOptions) => {
      const target = await targetOf(options)
      const report = (await callAdmin(
        target,
        'POST',
        '/redkite/v1/tls/connections/close',
        wishOf(options),
      )) as CloseReport
      printResult(io, options.output, `${report.closed} closed`, report)
    })
}

function wishOf({ id, fingerprint, certificateUser: user }: CloseOptions): object {
  const given = Object.entries({ id, fingerprint, user }).filter(([, value]) => value !== undefined)
  if (given.length === 1) return Object.fromEntries(given)
  throw new StartError(EXIT.usage, 'which connections?', 'give one of --id, --fingerprint, --certificate-user')
}

function describe({ connections }: ConnectionsReport): string {
  if (connections.length === 0) return 'no open connection'
  const head = [
    'ID',
    'PEER',
    'PROTOCOL',
    'TLS',
    'CIPHER',
    'GROUP',
    'RESUMED',
    'GEN',
    'CALLS',
    'OPENED',
    'USER',
    'CLIENT',
  ]
  return table([head, ...connections.map(row)])
}

function row({ id, peer, protocol, tls, requestsOpen, openedAt }: ConnectionReport): readonly string[] {
  const calls = String(requestsOpen)
  if (!tls) return [id, peer, protocol, 'plaintext', '-', '-', '-', '-', calls, openedAt, '-', '-']
  const { version, cipher, group, resumed, generation, client } = tls
  const who = client ? `${client.subject} (serial ${client.serial}, until ${client.notAfter})` : '-'
  const told = [version.replace('TLSv', ''), cipher, group || '?', resumed ? 'yes' : 'no', String(generation)]
  return [id, peer, protocol, ...told, calls, openedAt, client?.user ?? '-', who]
}
