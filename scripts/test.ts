/**
 * The test command: builds what is served, then runs every test with Node's runner, which prints the closing counts.
 * Arguments narrow it: `npm test -- test/acceptance`, `npm test -- --only 'B3'` (runner flags pass through).
 * `test/security`, `test/faults` and `test/long` (minutes), `test/milvus` (a Milvus behind a proxy) and `test/deploy` (other people's tools) run when they are named:
 * `npm run test:security`.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const given = process.argv.slice(2)
const flags = given.filter((a) => a.startsWith('--'))
const places = given.filter((a) => !a.startsWith('--'))

function testFiles(place: string): string[] {
  const path = join(root, place)
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.test.ts'))
    .map((e) => join(e.parentPath, e.name))
    .sort()
}

const built = spawnSync(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
const APART = ['security', 'faults', 'long', 'milvus', 'deploy'].map((folder) => join(root, 'test', folder) + sep)
const files =
  places.length > 0
    ? places.flatMap(testFiles)
    : ['src', 'test'].flatMap(testFiles).filter((file) => !APART.some((folder) => file.startsWith(folder)))
const run = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-reporter=spec', '--test-timeout=240000', ...flags, ...files],
  // hundreds of processes load the same modules
  { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: join(root, '.cache/compile') } },
)
process.exit(run.status ?? 1)
