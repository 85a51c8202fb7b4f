import { dirname, resolve } from 'node:path'
import { EXIT, StartError } from '../../errors/start-error.ts'
import { withRenewalLock } from '../../pki/lock.ts'
import { readIfPresent } from '../../pki/read.ts'
import { putFiles } from '../../pki/write.ts'
import { DENY_FORMS, type DenyEntry, denyKey, formatDenyEntry, parseDenyList } from './deny-list.ts'

/** The list is read by the server's user and changed by the operator's. */
const LIST_MODE = 0o644

const HEADER = `# Client certificates that Redkite refuses (redkite.tls.denyListPath), one a line:
#   ${DENY_FORMS}
# A running server heeds a new line within a second, and a removed one a second later.
`

export interface DenyEdit {
  readonly path: string
  readonly entries: readonly DenyEntry[]
  readonly remove: boolean
}

/** What an edit did; `unchanged` were there already, or were not there to be removed. */
export interface DenyEdited {
  readonly path: string
  readonly added: readonly DenyEntry[]
  readonly removed: readonly DenyEntry[]
  readonly unchanged: readonly DenyEntry[]
  /** Entries in the list now. */
  readonly size: number
}

/** Begins an empty list; one that is there stays as it is. @throws StartError when it cannot be written */
export async function beginDenyList(path: string): Promise<{ readonly path: string; readonly created: boolean }> {
  const at = resolve(path)
  return withRenewalLock(dirname(at), async () => {
    const text = await readIfPresent(at)
    if (text !== null && text.trim() !== '') return { path: at, created: false }
    await putFiles([{ path: at, content: HEADER, mode: LIST_MODE }], 'replace')
    return { path: at, created: true }
  })
}

/**
 * Adds entries to a list, or takes them off, and leaves every other line as it stands. The file is replaced by rename,
 * one process at a time. A list that is missing is begun when something is added.
 * @throws StartError: config for a list with a line that is no entry, which a server would not heed either
 */
export async function editDenyList({ path, entries, remove }: DenyEdit): Promise<DenyEdited> {
  const at = resolve(path)
  return withRenewalLock(dirname(at), async () => {
    const text = (await readIfPresent(at)) ?? HEADER
    const present = parseDenyList(text)
    const [fault] = present.faults
    if (fault) {
      const seen = `${at}:${fault.line}: ${fault.message}: ${fault.text}`
      throw new StartError(EXIT.config, seen, `correct the line first: ${DENY_FORMS}`)
    }
    const known = new Set(present.entries.map(denyKey))
    const wanted = new Map(entries.map((entry) => [denyKey(entry), entry]))
    const changed = [...wanted.values()].filter((entry) => known.has(denyKey(entry)) === remove)
    const unchanged = [...wanted.values()].filter((entry) => !changed.includes(entry))
    if (changed.length > 0) {
      const content = remove ? without(text, new Set(changed.map(denyKey))) : appended(text, changed)
      await putFiles([{ path: at, content, mode: LIST_MODE }], 'replace')
    }
    const size = known.size + (remove ? -changed.length : changed.length)
    return { path: at, added: remove ? [] : changed, removed: remove ? changed : [], unchanged, size }
  })
}

function appended(text: string, entries: readonly DenyEntry[]): string {
  const whole = text === '' || text.endsWith('\n') ? text : `${text}\n`
  return `${whole}${entries.map((entry) => `${formatDenyEntry(entry)}\n`).join('')}`
}

function without(text: string, keys: ReadonlySet<string>): string {
  const kept = text.split('\n').filter((line) => {
    const [entry] = parseDenyList(line).entries
    return entry === undefined || !keys.has(denyKey(entry))
  })
  const left = kept.join('\n')
  // An empty file would be taken for one that is being written.
  return left.trim() === '' ? HEADER : left
}
