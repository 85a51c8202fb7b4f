import type { Command } from 'commander'
import { EXIT } from '../../../errors/start-error.ts'
import type { Finding } from '../../../pki/findings.ts'
import { type Verification, verifySet } from '../../../pki/verify.ts'
import { counted } from '../../../pki/words.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'
import { directoryOption } from './options.ts'

const EXAMPLES = `
Examples:
  $ redkite certs verify                              # the set in ./cert
  $ redkite certs verify db.example.com 10.0.0.5 --dir /etc/redkite/tls

One line for each check: ok, warn (some client will stumble over it) or FAIL, with a line that says how to mend it.
The exit code is 1 when anything failed. Files that OpenSSL made are checked as well as ours.`

/** `certs verify [NAME...]`: says in words what is wrong with a set. */
export function addVerify(certs: Command, io: CliIo): void {
  certs
    .command('verify')
    .description('say in words what is wrong with a set: pairs, chain, purpose, names, dates, permissions')
    .argument('[NAME...]', 'names and addresses that clients must be able to dial')
    .addOption(directoryOption())
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], options: { readonly dir: string; readonly output: OutputFormat }) => {
      const verification = await verifySet({ directory: options.dir, names, now: new Date() })
      printResult(io, options.output, describe(verification), verification)
      if (!verification.fit) io.setExitCode(EXIT.checkFailed)
    })
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

function describe({ directory, fit, findings }: Verification): string {
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length
  const lines = findings.flatMap(({ level, file, text, fix }) => {
    const line = `${MARKS[level]}  ${file.padEnd(10)}  ${text}`
    return fix === null ? [line] : [line, `      fix: ${fix}`]
  })
  const sum = `${count('ok')} ok, ${counted(count('warn'), 'warning')}, ${counted(count('fail'), 'failure')}`
  return [...lines, `${directory}: ${sum}; ${fit ? 'fit for use' : 'not fit for use'}`].join('\n')
}
