import type { Command } from 'commander'
import { callAdmin } from '../../../probe/admin-client.ts'
import type { CertificateReport, CertificatesReport, MaterialReport } from '../../../protocol/admin/administration.ts'
import { type CliIo, printResult } from '../../io.ts'
import { table } from '../../table.ts'
import { addTargetOptions, TARGET_HELP, type TargetOptions, targetOf } from './target.ts'

/** `tls certificates`: what is served and trusted, and for how long. */
export function addCertificates(tls: Command, io: CliIo): void {
  addTargetOptions(tls.command('certificates'))
    .description('certificates that a running server uses, with the days they have left')
    .addHelpText(
      'after',
      `\nExample:\n  $ redkite tls certificates --ca tls/ca.pem --password-file root.password\n${TARGET_HELP}`,
    )
    .action(async (options: TargetOptions) => {
      const answer = await callAdmin(await targetOf(options), 'GET', '/redkite/v1/tls/certificates')
      // The answer of a server of ours: its shape is the API's (docs/reference/admin-api.md).
      const report = answer as CertificatesReport
      printResult(io, options.output, describe(report), report)
    })
}

function describe({ materials }: CertificatesReport): string {
  if (materials.length === 0) return 'TLS is off: no certificates are in use'
  return materials.map(describeOne).join('\n\n')
}

function describeOne(material: MaterialReport): string {
  const { section, mode, generation, loadedAt, certificates, warnings, lastRefusal } = material
  const head = ['ROLE', 'FILE', 'NO', 'DAYS LEFT', 'NOT AFTER', 'KEY', 'SERIAL', 'SUBJECT', 'ISSUER']
  return [
    `${section}: ${mode}, generation ${generation}, loaded ${loadedAt}`,
    table([head, ...certificates.map(row)]),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(lastRefusal ? [`not loaded ${lastRefusal.at}: ${lastRefusal.reason}`, `    fix: ${lastRefusal.hint}`] : []),
  ].join('\n')
}

function row({ role, path, index, daysLeft, notAfter, keyType, serial, subject, issuer }: CertificateReport) {
  const left = daysLeft < 0 ? `expired ${-daysLeft} ago` : String(daysLeft)
  return [role, path, String(index + 1), left, notAfter.replace('.000Z', 'Z'), keyType, serial, subject, issuer]
}
