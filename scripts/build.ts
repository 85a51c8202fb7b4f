/**
 * Builds `dist/` from `src/`: tsc for the TypeScript, a copy for the generated message code. Built aside and swapped
 * in whole, so that a server or a test that runs from `dist/` never sees half of it, and a failed build leaves the old.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const dist = new URL('dist/', root)
const aside = new URL(`.build-${process.pid}/`, root)
const old = new URL(`.build-old-${process.pid}/`, root)
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc')

const args = [tsc, '-p', 'tsconfig.json', '--outDir', fileURLToPath(aside)]
const built = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
if (built.status !== 0) {
  rmSync(aside, { recursive: true, force: true })
  process.exit(built.status ?? 1)
}
cpSync(new URL('src/gen/', root), new URL('gen/', aside), { recursive: true })
chmodSync(new URL('main.js', aside), 0o755)
if (existsSync(dist)) renameSync(dist, old)
renameSync(aside, dist)
rmSync(old, { recursive: true, force: true })
