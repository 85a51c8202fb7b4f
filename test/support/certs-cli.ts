/** Runs `redkite certs ...` in this process, through the same command that the program mounts. */
import { certsCommand } from '../../src/cli/commands/certs.ts'

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** Runs one command line. What the command throws (StartError, commander's own) is thrown on. */
export async function certs(...args: readonly string[]): Promise<CommandResult> {
  let [stdout, stderr] = ['', '']
  let exitCode = 0
  const command = certsCommand({
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
    setExitCode: (code) => {
      exitCode = code
    },
  })
  await command.parseAsync([...args], { from: 'user' })
  return { stdout, stderr, exitCode }
}
