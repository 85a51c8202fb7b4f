/** Builds `dist/` from `src/`: tsc for the TypeScript, a copy for the generated message code. */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'

const root = new URL('../', import.meta.url)
const dist = new URL('dist/', root)
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc')

rmSync(dist, { recursive: true, force: true })
const built = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
cpSync(new URL('src/gen/', root), new URL('gen/', dist), { recursive: true })
const main = new URL('main.js', dist)
if (existsSync(main)) chmodSync(main, 0o755)
