import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type { Log, LogFields, LogLevel } from './log.ts'
import { errorText, textLine } from './text-line.ts'

/** Milvus' level names; `panic` and `fatal` print less than `error`, and nothing of ours is that severe. */
export type LogLevelName = LogLevel | 'panic' | 'fatal'

/** `config.log` as it stands. */
export interface LogSettings {
  readonly level: LogLevelName
  readonly format: 'text' | 'json'
  /** Print to stderr; without a log file it is printed there in any case. */
  readonly console: boolean
  readonly file: { readonly rootPath: string; readonly filename: string }
}

/** The process' log: what all parts write through, and what the operator may change while it runs. */
export interface LogSink extends Log {
  level(): LogLevelName
  setLevel(level: LogLevelName): void
  /** Opens the log file anew (after logrotate has moved it); without a file nothing happens. */
  reopen(): void
  /** Writes out what is buffered; the last thing before an exit. */
  flush(): void
}

const SEVERITY: Readonly<Record<LogLevelName, number>> = {
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  panic: 60,
  fatal: 60,
}
const NO_FIELDS: LogFields = Object.freeze({})

/**
 * The log of a process, in Milvus' text form or as JSON (`time`, `level`, `caller`, `message`, then the fields).
 * Writing never throws: a line that cannot be written (full disk, closed pipe) is lost.
 * @throws when the directory of the log file cannot be made or the file not opened
 */
export function createLog(settings: LogSettings): LogSink {
  const outputs = openOutputs(settings)
  const write = (line: string) => {
    for (const output of outputs) guard(() => output.write(line))
  }
  let level: LogLevelName = settings.level
  let least = SEVERITY[level]
  const writeLine =
    settings.format === 'json'
      ? jsonWriter({ write })
      : (at: LogLevel, caller: string, message: string, fields: LogFields) =>
          write(textLine(new Date(), at, caller, message, fields))

  const logAt = (caller: string): Log => {
    const print = (at: LogLevel) => (message: string, fields?: LogFields) => {
      if (SEVERITY[at] >= least) guard(() => writeLine(at, caller, message, fields ?? NO_FIELDS))
    }
    return { debug: print('debug'), info: print('info'), warn: print('warn'), error: print('error'), at: logAt }
  }
  return {
    ...logAt('redkite'),
    level: () => level,
    setLevel(next) {
      level = next
      least = SEVERITY[next]
    },
    reopen() {
      for (const output of outputs) guard(() => output.reopen())
    },
    flush() {
      for (const output of outputs) guard(() => output.flush())
    },
  }
}

interface Output {
  write(line: string): unknown
  reopen(): void
  flush(): void
}

/** stderr and, if wanted, the file. Synchronous, so that a crash loses no line; logs are not on the path of a call. */
function openOutputs(settings: LogSettings): readonly Output[] {
  const { rootPath, filename } = settings.file
  const outputs: Output[] = []
  if (rootPath !== '') {
    mkdirSync(rootPath, { recursive: true })
    const file = destination({ dest: join(rootPath, filename), sync: true })
    file.on('error', () => {})
    outputs.push({ write: (line) => file.write(line), reopen: () => file.reopen(), flush: () => file.flushSync() })
  }
  if (settings.console || rootPath === '') {
    const stderr = destination({ dest: 2, sync: true })
    stderr.on('error', () => {})
    outputs.push({ write: (line) => stderr.write(line), reopen: () => {}, flush: () => stderr.flushSync() })
  }
  return outputs
}

/** pino writes the JSON; the level is decided before it is called, so that one variable rules both forms. */
function jsonWriter(stream: DestinationStream) {
  const logger: Logger = pino(
    {
      base: null,
      level: 'trace',
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return (at: LogLevel, caller: string, message: string, fields: LogFields) =>
    logger[at]({ caller, ...printable(fields) }, message)
}

/** Names that the line itself uses; a field called so gets an underscore behind it. */
const TAKEN = new Set(['time', 'level', 'caller', 'message'])

/** pino refuses nothing, but writes bigint as a number that JSON readers round, and errors as objects with stacks. */
function printable(fields: LogFields): LogFields {
  const entries = Object.entries(fields).map(([field, value]): [string, unknown] => {
    const name = TAKEN.has(field) ? `${field}_` : field
    if (typeof value === 'bigint') return [name, value.toString()]
    return [name, value instanceof Error ? errorText(value) : value]
  })
  return Object.fromEntries(entries)
}

function guard(action: () => unknown): void {
  try {
    action()
  } catch {
    // A log that cannot be written must not take the server down; there is nowhere to say so.
  }
}
