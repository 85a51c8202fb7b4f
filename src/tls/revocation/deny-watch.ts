import { readFile, stat } from 'node:fs/promises'
import { EXIT, type ExitCode, StartError } from '../../errors/start-error.ts'
import type { Log } from '../../observe/log.ts'
import { DENY_FORMS, type DenyEntry, DenyList, denyKey, parseDenyList } from './deny-list.ts'

/** 100,000 entries with their reasons fit. */
const FILE_BYTES_MAX = 32 << 20
/** A file this young is read again whatever its times say: they may not tell two writes of one moment apart. */
const RACY_MS = 2_000
/** How long a file must have stood unchanged before entries that left it are forgotten. */
const REMOVAL_QUIET_MS = 1_000

const KEY = 'redkite.tls.denyListPath'

/**
 * The deny list of a file, followed while it changes. It fails closed: additions hold at once, a removal only after the
 * file has stood unchanged for a second, so that a file caught while it is being rewritten frees nobody; and a file
 * that is missing, empty, unreadable or has a line that is no entry never takes anything off the list.
 */
export class DenyWatch {
  readonly #path: string
  readonly #log: Log
  #list = new DenyList([])
  #seen = { times: '', text: '', since: 0 }
  /** The file must be read at the next look although its times stay. */
  #unsettled = true
  #fault = ''

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  get list(): DenyList {
    return this.#list
  }

  /** The first reading. @throws StartError: config or noPermission, naming file, line and remedy. */
  async start(): Promise<void> {
    let text: string
    try {
      const { size } = await stat(this.#path)
      if (size > FILE_BYTES_MAX) throw new Error(`the file has ${size} bytes (max ${FILE_BYTES_MAX})`)
      text = await readFile(this.#path, 'utf8')
    } catch (cause) {
      throw this.#unreadable(cause)
    }
    if (text.trim() === '') {
      const hint = `a list without entries holds a comment: redkite tls deny --init --list ${this.#path}`
      throw new StartError(EXIT.config, `${KEY}: ${this.#path}: the file is empty`, hint)
    }
    const { entries, faults } = parseDenyList(text)
    const [first] = faults
    if (first) {
      const more = faults.length > 1 ? ` (and ${faults.length - 1} more lines)` : ''
      throw new StartError(
        EXIT.config,
        `${KEY}: ${this.#path}:${first.line}: ${first.message}: ${first.text}${more}`,
        `write each line as ${DENY_FORMS}`,
      )
    }
    this.#list = new DenyList(entries)
    this.#warnOfDigests(entries)
    this.#log.info('deny list loaded', { path: this.#path, entries: this.#list.size })
  }

  /** Looks at the file again; true = the list changed. Never throws. */
  async look(now: number): Promise<boolean> {
    try {
      const facts = await stat(this.#path, { bigint: true })
      if (facts.size > FILE_BYTES_MAX) throw new Error(`the file has ${facts.size} bytes (max ${FILE_BYTES_MAX})`)
      const times = `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}`
      if (times === this.#seen.times && !this.#unsettled) return false
      const text = await readFile(this.#path, 'utf8')
      const isSame = text === this.#seen.text
      const since = isSame ? this.#seen.since : now
      this.#seen = { times, text, since }
      this.#unsettled = now - Number(facts.ctimeNs / 1_000_000n) < RACY_MS || now - since < REMOVAL_QUIET_MS
      return this.#take(text, isSame, now - since >= REMOVAL_QUIET_MS)
    } catch (error) {
      this.#complain(error instanceof Error ? error.message : String(error), 'write the file again')
      this.#unsettled = true
      return false
    }
  }

  #take(text: string, isSame: boolean, isQuiet: boolean): boolean {
    if (text.trim() === '') {
      this.#complain('the file is empty', 'a list without entries holds a comment: redkite tls deny --init')
      return false
    }
    // The last line may be half-written: it counts when it has its end, or has stayed.
    const whole = text.endsWith('\n') || isSame ? text : text.slice(0, text.lastIndexOf('\n') + 1)
    const { entries, faults } = parseDenyList(whole)
    const [fault] = faults
    if (fault) {
      this.#complain(`line ${fault.line}: ${fault.message}: ${fault.text}`, `write each line as ${DENY_FORMS}`)
    } else this.#fault = ''
    const added = entries.filter((entry) => !this.#list.entries.has(denyKey(entry)))
    const named = new Set(entries.map(denyKey))
    const removed = [...this.#list.entries.keys()].filter((key) => !named.has(key))
    const forgets = removed.length > 0 && !fault && isQuiet
    if (added.length === 0 && !forgets) return false
    const kept = forgets ? [] : this.#list.entries.values()
    this.#list = new DenyList([...kept, ...entries])
    this.#warnOfDigests(added)
    const counts = { entries: this.#list.size, added: added.length, removed: forgets ? removed.length : 0 }
    this.#log.warn('deny list changed', { path: this.#path, ...counts })
    return true
  }

  /** Once for each fault, not at every look. */
  #complain(message: string, hint: string): void {
    if (message === this.#fault) return
    this.#fault = message
    const kept = { path: this.#path, reason: message, hint, entries: this.#list.size }
    this.#log.error('deny list not read, what was denied stays denied', kept)
  }

  #warnOfDigests(entries: readonly DenyEntry[]): void {
    if (!entries.some((entry) => entry.kind === 'sha256')) return
    const hint = 'the holder of an ECDSA certificate can change its signature, and so its digest; deny serial: or spki:'
    this.#log.warn('deny list has sha256: entries', { path: this.#path, hint })
  }

  #unreadable(cause: unknown): StartError {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const hint = `correct the path, or begin a list: redkite tls deny --init --list ${this.#path}`
      return new StartError(EXIT.config, `${KEY}: open ${this.#path}: no such file or directory`, hint, { cause })
    }
    const exit: ExitCode = code === 'EACCES' || code === 'EPERM' ? EXIT.noPermission : EXIT.config
    const text = code === '' && cause instanceof Error ? cause.message : code
    const hint = `let the server's user (uid ${process.getuid?.() ?? 'unknown'}) read the file`
    return new StartError(exit, `${KEY}: open ${this.#path}: ${text}`, hint, { cause })
  }
}
