import { lstat, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Check, fail, ok, warn } from '../check.ts'

/** A file that a key names. */
export interface NamedFile {
  readonly key: string
  readonly path: string
}

const FUTURE_MS = 120_000

/**
 * Whether renewed files will be seen: Kubernetes exchanges the `..data` link of a Secret's directory, and never
 * touches a file that is mounted by itself (`subPath`, or a single file of a Compose volume).
 */
export async function checkMounts(files: readonly NamedFile[]): Promise<readonly Check[]> {
  const mountPoints = await readMountPoints()
  const checks: Check[] = []
  for (const { key, path } of files) {
    const at = resolve(path)
    if (mountPoints.has(at)) {
      const detail = `${path} is mounted as a single file (subPath): a renewed one is never seen`
      checks.push(warn(key, detail, `mount the directory ${dirname(at)} instead`, 'mount'))
    } else if (await isSecretVolume(at)) {
      checks.push(ok(key, `${path} is in a Kubernetes volume whose updates are seen`))
    }
  }
  return checks
}

/** Files from the future: this clock is behind, and new certificates look as if they were not valid yet. */
export async function checkClock(files: readonly NamedFile[], now: Date): Promise<readonly Check[]> {
  const what = 'clock'
  if (now.getUTCFullYear() < 2025) {
    return [fail(what, `this machine says ${now.toISOString()}`, 'set the clock (timedatectl set-ntp true)', 'clock')]
  }
  for (const { key, path } of files) {
    const status = await stat(path).catch(() => null)
    if (status === null || status.mtimeMs <= now.getTime() + FUTURE_MS) continue
    const detail = `${path} (${key}) was written at ${status.mtime.toISOString()}, which is in the future`
    return [warn(what, detail, 'set the clock of this machine (timedatectl set-ntp true)', 'clock')]
  }
  return [ok(what, now.toISOString())]
}

async function readMountPoints(): Promise<ReadonlySet<string>> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const points = text.split('\n').map((line) => line.split(' ')[4] ?? '')
  // spaces and the like stand there as octal escapes
  return new Set(
    points.map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
    ),
  )
}

async function isSecretVolume(path: string): Promise<boolean> {
  const link = await lstat(join(dirname(path), '..data')).catch(() => null)
  if (!link?.isSymbolicLink()) return false
  const real = await realpath(path).catch(() => '')
  return basename(dirname(real)).startsWith('..')
}
