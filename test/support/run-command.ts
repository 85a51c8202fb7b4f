/** Runs a command of the program in this process, through the same tree that the program mounts. */
import type { Command } from 'commander'
import type { CliIo } from '../../src/cli/io.ts'
import { EXIT, StartError } from '../../src/errors/start-error.ts'
import type { Check } from '../../src/probe/check.ts'

export interface Ran {
  readonly stdout: string
  readonly exitCode: number
}

/** A `StartError` becomes its exit code and message, as the program prints it. */
export async function runCommand(make: (io: CliIo) => Command, args: readonly string[]): Promise<Ran> {
  let stdout = ''
  let exitCode: number = EXIT.ok
  const command = make({
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stdout += text
    },
    setExitCode: (code) => {
      exitCode = code
    },
  })
  try {
    await command.parseAsync([...args], { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof StartError)) throw thrown
    return { stdout: `${stdout}${thrown.message}\n${thrown.hint ?? ''}`, exitCode: thrown.exitCode }
  }
  return { stdout, exitCode }
}

/** The checks of a `-o json` report. */
export function checksIn(ran: Ran): readonly Check[] {
  const report = JSON.parse(ran.stdout) as { readonly checks: readonly Check[] }
  return report.checks
}

/** A level, cause and fix that a report must hold. */
export interface Wanted {
  readonly level?: Check['level']
  readonly what?: string
  readonly cause?: Check['cause']
  readonly detail?: RegExp
  readonly fix?: RegExp
}

export function holds(check: Check, wanted: Wanted): boolean {
  if (wanted.level !== undefined && check.level !== wanted.level) return false
  if (wanted.what !== undefined && check.what !== wanted.what) return false
  if (wanted.cause !== undefined && check.cause !== wanted.cause) return false
  if (wanted.detail !== undefined && !wanted.detail.test(check.detail)) return false
  return wanted.fix === undefined || wanted.fix.test(check.fix ?? '')
}
