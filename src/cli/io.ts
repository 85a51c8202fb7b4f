import { type Command, Option } from 'commander'
import type { ExitCode } from '../errors/start-error.ts'

/**
 * What a command may do to the outside: data for `stdout` (the result, nothing else), talk for `stderr`, and the exit
 * code of a command that ran but found something wrong. Both texts are written as given, newlines included. A command
 * that cannot go on throws a `StartError` instead; only `main.ts` exits.
 */
export interface CliIo {
  stdout(text: string): void
  stderr(text: string): void
  setExitCode(code: ExitCode): void
}

/** The forms in which a command prints its result. */
export type OutputFormat = 'text' | 'json'

/** `-o, --output text|json`, the same on every command. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'form of the result').choices(['text', 'json']).default('text')
}

/** Prints a result: `text` as it stands, or `value` as indented JSON (dates as ISO 8601). */
export function printResult(io: CliIo, format: OutputFormat, text: string, value: unknown): void {
  io.stdout(format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : ensureNewline(text))
}

/**
 * Makes a command write through `io` and throw commander's `CommanderError` instead of exiting the process. Commands
 * made afterwards with `.command()` inherit both; one mounted with `.addCommand()` must have been bound itself.
 */
export function bindToIo(command: Command, io: CliIo): Command {
  return command
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text) })
    .exitOverride()
    .showHelpAfterError('(add --help for the options and examples)')
}

function ensureNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
