import { EXIT, StartError } from '../errors/start-error.ts'

const NODE_MAJOR_MIN = 24

/** Whether a Node (`process.versions.node`) is too old for this program. */
export function isTooOld(nodeVersion: string): boolean {
  return Number.parseInt(nodeVersion, 10) < NODE_MAJOR_MIN
}

/**
 * Refuses a Node that is too old in words, before the first missing function does it with a stack trace.
 * @param nodeVersion `process.versions.node`
 * @throws StartError unavailable
 */
export function checkRuntime(nodeVersion: string): void {
  if (!isTooOld(nodeVersion)) return
  throw new StartError(
    EXIT.unavailable,
    `Node ${NODE_MAJOR_MIN} or later is needed, and this is ${nodeVersion}`,
    'npm installs one with this package where there is one for the platform; else put one first in PATH',
  )
}
