import { EXIT, StartError } from '../errors/start-error.ts'

const NODE_MAJOR_MIN = 24

/**
 * Refuses a Node that is too old in words, before the first missing function does it with a stack trace.
 * @param nodeVersion `process.versions.node`
 * @throws StartError unavailable
 */
export function checkRuntime(nodeVersion: string): void {
  const major = Number.parseInt(nodeVersion, 10)
  if (major >= NODE_MAJOR_MIN) return
  throw new StartError(
    EXIT.unavailable,
    `Node ${NODE_MAJOR_MIN} or later is needed, and this is ${nodeVersion}`,
    'npx redkite and the npm scripts of this package use the Node that was installed with it',
  )
}
