import { basename } from 'node:path'
import { CommanderError } from 'commander'
import { EXIT, type ExitCode, StartError } from '../errors/start-error.ts'
import type { CliIo } from './io.ts'
import { ownNode, rerunOn } from './own-node.ts'
import { createProgram } from './program.ts'
import { checkRuntime, isTooOld } from './runtime.ts'

/**
 * Runs a command line (`process.argv`) on the process' own stdout and stderr. Never throws.
 * @returns the exit code, once everything that was printed has left the process
 */
export async function commandLine(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok
  const io: CliIo = {
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    setExitCode: (code) => {
      exitCode = code
    },
  }
  // `| head` closes the pipe early: that ends the printing, not the command.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  const name = programName(argv[1])
  try {
    const node = isTooOld(process.versions.node) ? ownNode() : null
    if (node !== null) return await rerunOn(node, argv)
    checkRuntime(process.versions.node)
    const program = await createProgram(io, name, argv[2])
    await program.parseAsync(argv.slice(2), { from: 'user' })
  } catch (thrown) {
    exitCode = reportFailure(thrown, io, name)
  }
  await Promise.all([drained(process.stdout), drained(process.stderr)])
  return exitCode
}

/** `milvus` when called by that name, so that its help speaks of the command that was typed. */
function programName(path: string | undefined): 'redkite' | 'milvus' {
  return path !== undefined && /^milvus(\.[a-z]+)?$/.test(basename(path)) ? 'milvus' : 'redkite'
}

/** Prints what ended a command and says with which code to exit. */
export function reportFailure(thrown: unknown, io: CliIo, name: string): ExitCode {
  // Commander has printed its own message: a help or version text, or what is wrong with the arguments.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (thrown instanceof StartError) {
    io.stderr(`${name}: ${thrown.message}\n`)
    for (const line of thrown.hint?.split('\n') ?? [])
      io.stderr(line.startsWith('also: ') ? `${line}\n` : `hint: ${line}\n`)
    return thrown.exitCode
  }
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  io.stderr(`${name}: internal error: ${detail}\n`)
  return EXIT.internal
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}
