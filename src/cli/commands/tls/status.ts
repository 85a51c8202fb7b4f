import type { Command } from 'commander'
import { callAdmin } from '../../../probe/admin-client.ts'
import type { ListenerReport, RefusalReport, StatusReport } from '../../../protocol/admin/administration.ts'
import { type CliIo, printResult } from '../../io.ts'
import { table } from '../../table.ts'
import { addTargetOptions, TARGET_HELP, type TargetOptions, targetOf } from './target.ts'

const EXAMPLES = `
Examples:
  $ redkite tls status --ca tls/ca.pem --password-file root.password
  $ redkite tls status --uri https://db.example.com:19530 --ca ca.pem -o json
${TARGET_HELP}`

/** `tls status`: mode, policy and ports of a running server, and whom it refused last. */
export function addStatus(tls: Command, io: CliIo): void {
  addTargetOptions(tls.command('status'))
    .description('mode, versions, ciphers, groups and ports of a running server, and the last refused connections')
    .addHelpText('after', EXAMPLES)
    .action(async (options: TargetOptions) => {
      // The answer of a server of ours: its shape is the API's (docs/reference/admin-api.md).
      const report = (await callAdmin(await targetOf(options), 'GET', '/redkite/v1/tls/status')) as StatusReport
      printResult(io, options.output, describe(report), report)
    })
}

const MODES = {
  off: 'off: plaintext (tlsMode 0)',
  'one-way': 'one-way (tlsMode 1)',
  mutual: 'mutual (tlsMode 2)',
} as const

function describe({ mode, policy, generation, listeners, selfTest, refusals }: StatusReport): string {
  const lines = [`mode       ${MODES[mode]}`]
  if (policy) {
    const { profile, pq, minVersion, maxVersion, ciphers, groups } = policy
    const versions = minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`
    lines.push(
      `profile    ${profile}, post-quantum: ${pq}`,
      `versions   ${versions.replaceAll('TLSv', 'TLS ')}`,
      `ciphers    ${ciphers.join('\n           ')}`,
      `groups     ${groups.join(' ')}`,
      `material   generation ${generation}`,
    )
  }
  if (selfTest) lines.push(`self-test  ${Object.values(selfTest).join(' ')}`)
  const ports = [
    ['LISTENER', 'ADDRESS', 'SERVES', 'TRANSPORT', 'CONNECTIONS', 'HANDSHAKES', 'PENDING', 'REFUSED'],
    ...listeners.map(portRow),
  ]
  return [...lines, '', table(ports), '', refusedText(refusals)].join('\n')
}

function portRow({ name, host, port, serves, transport, connections, handshakes }: ListenerReport): readonly string[] {
  const refused = Object.entries(handshakes.refused).map(([reason, count]) => `${reason} ${count}`)
  return [
    name,
    `${host.includes(':') ? `[${host}]` : host}:${port}`,
    serves,
    transport,
    String(connections),
    String(handshakes.accepted),
    String(handshakes.pending),
    refused.join(', ') || '0',
  ]
}

function refusedText(refusals: readonly RefusalReport[]): string {
  if (refusals.length === 0) return 'no connection was refused'
  const lines = refusals.flatMap(({ at, times, listener, peer, reason, message, remedy }) => [
    `${at}  ${listener}  ${peer}  ${reason}${times > 1 ? ` (${times} times)` : ''}: ${message}`,
    `    fix: ${remedy}`,
  ])
  return ['last refused connections, newest first:', ...lines].join('\n')
}
