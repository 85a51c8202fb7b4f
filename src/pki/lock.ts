import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, StartError } from '../errors/start-error.ts'
import { fileError } from './read.ts'

/** Name of the lock in the directory whose certificates are being renewed. */
export const LOCK_NAME = '.redkite-renew.lock'

const WAIT_MS_MAX = 10_000
const LOOK_EVERY_MS = 50
/** A renewal takes a second; whatever holds the lock this long has died without a trace. */
const STALE_AFTER_MS = 120_000

interface Holder {
  readonly pid: number
  readonly host: string
  readonly since: number
  readonly token: string
}

/** Tokens of the locks that this process holds: a pid of ours in a lock that is not among them is of a former life. */
const held = new Set<string>()

/**
 * Does the work while no other process renews certificates in `directory`: two renewals at once would overwrite each
 * other's key and certificate. The lock is a file with the holder's pid and host; one whose holder is gone is cleared.
 * @throws StartError: temporary when another holds it for ten seconds; else when the directory cannot be written
 */
export async function withRenewalLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  // without a directory there is nothing to protect, and the work itself says better what is missing
  if ((await stat(directory).catch(() => null)) === null) return work()
  const path = join(directory, LOCK_NAME)
  const token = randomBytes(12).toString('hex')
  await take(path, token)
  held.add(token)
  try {
    return await work()
  } finally {
    held.delete(token)
    await unlink(path).catch(() => {})
  }
}

async function take(path: string, token: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX
  for (;;) {
    if (await create(path, token)) return
    const text = await readFile(path, 'utf8').catch(() => null)
    if (text === null) continue
    const holder = parse(text)
    if (isGone(holder)) await clear(path, text)
    else if (performance.now() > deadline) throw busy(path, holder)
    else await sleep(LOOK_EVERY_MS)
  }
}

/** The lock appears with its content, by a link of a finished file: a reader never sees it empty. */
async function create(path: string, token: string): Promise<boolean> {
  const aside = `${path}.${token}.tmp`
  try {
    const handle = await open(aside, 'wx', 0o600)
    const holder: Holder = { pid: process.pid, host: hostname(), since: Date.now(), token }
    await handle.writeFile(JSON.stringify(holder)).finally(() => handle.close())
    await link(aside, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw fileError('create', path, error)
  } finally {
    await unlink(aside).catch(() => {})
  }
}

function parse(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { pid, host, since, token } = { pid: 0, host: '', since: 0, token: '', ...value }
    const isWhole = typeof pid === 'number' && typeof host === 'string' && typeof since === 'number'
    return isWhole && typeof token === 'string' ? { pid, host, since, token } : null
  } catch {
    return null
  }
}

/** On another host only time can tell; here the process is looked for. */
function isGone(holder: Holder | null): boolean {
  if (holder === null || Date.now() - holder.since > STALE_AFTER_MS) return true
  if (holder.host !== hostname()) return false
  if (holder.pid === process.pid) return !held.has(holder.token)
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

/** Takes the stale lock away, and puts back what turns out to be another's that came in between. */
async function clear(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== stale) await link(aside, path)
  } catch {
    // another process was faster: the next look shows what is there now
  } finally {
    await unlink(aside).catch(() => {})
  }
}

function busy(path: string, holder: Holder | null): StartError {
  const who = holder === null ? 'another process' : `process ${holder.pid} on ${holder.host}`
  return new StartError(
    EXIT.temporary,
    `${who} is renewing certificates here: ${path}`,
    'try again; if no such process runs, remove that file',
  )
}
