import { constants } from 'node:fs'
import { access, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Check, fail, ok, warn } from '../check.ts'

const WHAT = 'data directory'
const FREE_BYTES_MIN = 1 << 30
const FREE_SHARE_MIN = 0.05

/** The pid of the living server that holds a data directory; null where none does. */
export async function ownerPid(directory: string): Promise<number | null> {
  const pid = Number((await readFile(join(directory, 'lock.pid'), 'utf8').catch(() => '')).trim())
  if (!Number.isInteger(pid) || pid <= 0) return null
  try {
    process.kill(pid, 0)
    return pid
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? pid : null
  }
}

/** Whether the server can write where it stores everything, who else has it open, and how much room there is. */
export async function checkDataDirectory(directory: string, owner: number | null): Promise<readonly Check[]> {
  const existing = await nearest(directory)
  const status = await stat(existing).catch(() => null)
  if (status === null || !status.isDirectory()) {
    return [fail(WHAT, `${existing} is not a directory`, 'name another with --data', 'dataDirectory')]
  }
  const isWritable = await access(existing, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!isWritable) {
    const detail = `this user (uid ${process.getuid?.() ?? 'unknown'}) may not write in ${existing}, which is uid ${status.uid}'s`
    return [fail(WHAT, detail, `chown it to the server's user, or name another with --data`, 'dataDirectory')]
  }
  const state = existing === directory ? 'is writable' : `will be made in ${existing}`
  const running = owner === null ? '' : `; a server has it open (pid ${owner})`
  const checks: Check[] = [ok(WHAT, `${directory} ${state}${running}`), await room(existing)]
  const others = status.mode & 0o007
  if (process.platform !== 'win32' && existing === directory && others !== 0) {
    const mode = (status.mode & 0o7777).toString(8).padStart(4, '0')
    const detail = `every user of this machine can enter it (mode ${mode})`
    checks.push(warn(WHAT, detail, `chmod 700 ${directory}`, 'permissions'))
  }
  return checks
}

async function room(directory: string): Promise<Check> {
  const { bavail, blocks, bsize } = await statfs(directory)
  const free = bavail * bsize
  const share = blocks === 0 ? 1 : bavail / blocks
  const words = `${(free / (1 << 30)).toFixed(1)} GiB free (${Math.round(share * 100)} %)`
  if (free === 0) return fail('disk', words, 'make room: nothing can be written', 'dataDirectory')
  if (free < FREE_BYTES_MIN || share < FREE_SHARE_MIN)
    return warn('disk', words, 'make room before it is full', 'dataDirectory')
  return ok('disk', words)
}

/** The directory itself, or the nearest one above it that exists. */
async function nearest(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    if ((await stat(at).catch(() => null)) !== null || at === dirname(at)) return at
  }
}
