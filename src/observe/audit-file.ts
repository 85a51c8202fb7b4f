import { closeSync, constants, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { EXIT, StartError } from '../errors/start-error.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** Lines that wait while the file cannot be written; beyond these they are lost, and counted. */
const WAITING_MAX = 10_000
const MODE = 0o600
/** Not blocking: a pipe that nobody reads must not hold up the start, nor a full one the server. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)

/**
 * A file of JSON lines that is only ever appended to. Lines are whole: each write is one call, and a line that only
 * partly found room is finished first, or begun anew in the next file. Written synchronously: a line costs about ten
 * microseconds, and what is told to a client has been recorded before.
 */
export class AuditFile implements Disposable {
  readonly #path: string
  readonly #log: Log
  readonly #metrics: Pick<Metrics, 'auditLines'>
  #fd: number
  #waiting: Buffer[] = []
  /** Bytes of the first waiting line that are in the file already. */
  #written = 0
  #lost = 0
  #fault: string | null = null

  /** @throws StartError cannotCreate when the file cannot be opened */
  constructor(path: string, log: Log, metrics: Pick<Metrics, 'auditLines'>) {
    this.#path = path
    this.#log = log.at('observe/audit-file.ts')
    this.#metrics = metrics
    try {
      this.#fd = this.#open()
    } catch (cause) {
      const message = `cannot open the audit log ${path}: ${codeOf(cause)}`
      throw new StartError(
        EXIT.cannotCreate,
        message,
        'make its directory and let this user write it, or leave redkite.audit.path empty',
        { cause },
      )
    }
  }

  /** Why the file cannot be written at present; null = it can. Tries again what is waiting. */
  fault(): string | null {
    if (this.#waiting.length > 0) this.#flush()
    return this.#fault
  }

  /** Appends a line. Never throws: what cannot be written waits. */
  write(fields: Readonly<Record<string, unknown>>): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#lost++
      this.#metrics.auditLines.inc({ result: 'lost' })
      return
    }
    this.#waiting.push(Buffer.from(`${JSON.stringify(fields)}\n`))
    this.#flush()
  }

  /** Opens the file anew (after logrotate has moved it); the old one stays in use when that fails. */
  reopen(): void {
    try {
      const fd = this.#open()
      closeSync(this.#fd)
      this.#fd = fd
      // a line that was cut off in the old file begins again in the new one
      this.#written = 0
    } catch (error) {
      this.#log.error('the audit log cannot be opened anew: the old file stays in use', { path: this.#path, error })
    }
    this.#flush()
  }

  [Symbol.dispose](): void {
    this.#flush()
    if (this.#waiting.length > 0)
      this.#log.error('audit lines are lost', { path: this.#path, lines: this.#waiting.length })
    try {
      fsyncSync(this.#fd)
    } catch {
      // such as a pipe or a device, which cannot be synced
    }
    closeSync(this.#fd)
  }

  #open(): number {
    const fd = openSync(this.#path, FLAGS, MODE)
    const { mode } = fstatSync(fd)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0 && (mode & 0o170000) === 0o100000) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0')
      this.#log.warn('the audit log can be read by others', { path: this.#path, mode: shown, remedy: 'chmod 600' })
    }
    return fd
  }

  #flush(): void {
    try {
      while (this.#waiting.length > 0) {
        const [first = Buffer.alloc(0)] = this.#waiting
        this.#written += writeSync(this.#fd, first, this.#written)
        if (this.#written < first.length) continue
        this.#written = 0
        this.#waiting.shift()
        this.#metrics.auditLines.inc({ result: 'written' })
      }
      this.#recovered()
    } catch (error) {
      const fault = codeOf(error)
      if (this.#fault === null) {
        this.#log.error('the audit log cannot be written: lines wait in memory', { path: this.#path, fault })
        this.#metrics.auditLines.inc({ result: 'failed' })
      }
      this.#fault = fault
    }
  }

  #recovered(): void {
    if (this.#fault === null) return
    this.#log.warn('the audit log is written again', { path: this.#path, lost: this.#lost })
    this.#fault = null
    this.#lost = 0
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
}
