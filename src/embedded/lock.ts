import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EXIT, StartError } from '../errors/start-error.ts'

/** How long a refused process waits for the owner to have written its pid. */
const PID_WAIT_MS = 500
const PID_POLL_MS = 20

/**
 * Takes the data directory for this process. The lock is an exclusive SQLite lock on `lock.db`, which the operating
 * system gives back when the process ends, however it ends: there is no stale lock to break and no race to take one
 * over. The owner's pid stands beside it in `lock.pid` (not in `lock.db`: on POSIX, closing any descriptor of a locked
 * file drops the process' locks on it), for the message only.
 * @throws StartError (75) naming the owner's pid when another process has it.
 */
export function lockDataDirectory(directory: string): Disposable {
  let db: DatabaseSync | null = null
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    db = new DatabaseSync(join(directory, 'lock.db'))
    db.exec('BEGIN EXCLUSIVE')
    writePid(directory)
  } catch (error) {
    db?.close()
    throw refusal(directory, error)
  }
  const held = db
  return {
    [Symbol.dispose]() {
      if (held.isOpen) held.close()
    },
  }
}

function pidFile(directory: string): string {
  return join(directory, 'lock.pid')
}

function writePid(directory: string): void {
  const file = pidFile(directory)
  writeFileSync(`${file}.new`, `${process.pid}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function refusal(directory: string, error: unknown): StartError {
  const text = error instanceof Error ? error.message : String(error)
  if (!(error instanceof Error && 'errcode' in error && error.errcode === 5)) {
    return new StartError(
      EXIT.noPermission,
      `data directory ${directory} cannot be used: ${text}`,
      'give the user of the server write permission, or choose another directory with --data',
      { cause: error },
    )
  }
  const pid = ownerPid(directory)
  return new StartError(
    EXIT.temporary,
    `data directory ${directory} is in use by process ${pid ?? '(pid unknown)'}`,
    'stop that process, or choose another directory with --data',
    { cause: error },
  )
}

/** The pid of a living owner; an owner that has only just taken the lock gets a moment to write it. */
function ownerPid(directory: string): number | null {
  const nap = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; waited <= PID_WAIT_MS; waited += PID_POLL_MS) {
    const pid = livingPid(directory)
    if (pid !== null) return pid
    Atomics.wait(nap, 0, 0, PID_POLL_MS)
  }
  return null
}

function livingPid(directory: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile(directory), 'utf8'))
    if (!Number.isInteger(pid) || pid <= 0) return null
    process.kill(pid, 0)
    return pid
  } catch (error) {
    // EPERM: the process lives but belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? readPid(directory) : null
  }
}

function readPid(directory: string): number | null {
  const pid = Number(readFileSync(pidFile(directory), 'utf8'))
  return Number.isInteger(pid) && pid > 0 ? pid : null
}
