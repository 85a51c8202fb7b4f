import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EXIT } from '../errors/start-error.ts'
import { MaterialFault } from './fault.ts'
import { context, octal, type RawFiles } from './files.ts'

const GROUP_READ = 0o040
const GROUP_REST = 0o030
const OTHERS = 0o007

/** A file that holds a secret. */
export interface SecretFile {
  readonly key: string
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/**
 * Who but the server and its administrator can read a file; null = nobody. Mode 0600 always passes. A file of root's
 * that one group may read, and nobody change, passes where that group is the server's own and the server is not root:
 * that is how a Kubernetes Secret with `fsGroup` and `defaultMode: 0440` arrives, and how `root:redkite 0640` is meant
 * (PostgreSQL and CockroachDB draw the same line). Windows has no such bits.
 */
export function otherReaders(file: Pick<SecretFile, 'mode' | 'uid' | 'gid'>): string | null {
  if (process.platform === 'win32') return null
  if ((file.mode & OTHERS & 0o004) !== 0) return 'every user'
  if ((file.mode & GROUP_READ) === 0) return null
  const isRoots = file.uid === 0 && process.geteuid?.() !== 0
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])]
  const isForUs = isRoots && groups.includes(file.gid) && (file.mode & (GROUP_REST | OTHERS)) === 0
  return isForUs ? null : 'its group'
}

/**
 * Looks at the permissions of every file of a source that holds a secret, and of the directories they are in: who may
 * write there can put another key in place. Answers warnings.
 * @throws MaterialFault in strict mode, for the first of them
 */
export async function checkPermissions(raw: RawFiles, isStrict: boolean): Promise<readonly string[]> {
  const key = raw.files.find((file) => file.role === 'serverKey') ?? raw.files[0]
  const warnings: string[] = []
  const judge = (file: SecretFile, prefix: string, what: string, fault: Fault | null) => {
    if (fault === null) return
    if (!isStrict) return warnings.push(`${file.key}: ${fault.place} ${fault.text}; ${fault.remedy}`)
    const hint = `${fault.command}, or leave redkite.tls.strictKeyPermissions out to be warned only`
    throw new MaterialFault(EXIT.config, `${prefix}${file.key}: ${fault.place}: ${what} ${fault.text}`, hint)
  }
  if (key) {
    const prefix = `${context(raw.kind, 'serverKey')}: `
    judge(key, prefix, 'the key', readers(key))
    judge(key, prefix, 'the directory of the key', await writers(key))
  }
  if (raw.passphrase) {
    judge(raw.passphrase, '', 'the passphrase', readers(raw.passphrase))
    judge(raw.passphrase, '', 'the directory of the passphrase', await writers(raw.passphrase))
  }
  return warnings
}

interface Fault {
  readonly place: string
  readonly text: string
  readonly remedy: string
  readonly command: string
}

function readers(file: SecretFile): Fault | null {
  const who = otherReaders(file)
  if (who === null) return null
  const text = `can be read by ${who} (mode ${octal(file.mode)})`
  return { place: file.path, text, remedy: 'chmod 600 it', command: `chmod 600 ${file.path}` }
}

/** The directory of the file itself, where links lead to; one with the sticky bit, as /tmp, guards its files. */
async function writers(file: SecretFile): Promise<Fault | null> {
  if (process.platform === 'win32') return null
  try {
    const directory = dirname(await realpath(file.path))
    const { mode } = await stat(directory)
    if ((mode & 0o002) === 0 || (mode & 0o1000) !== 0) return null
    const text = `can be written by every user (mode ${octal(mode & 0o7777)})`
    return { place: directory, text, remedy: 'chmod o-w it', command: `chmod o-w ${directory}` }
  } catch {
    // it went away: the read that follows says so
    return null
  }
}
