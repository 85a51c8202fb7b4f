/** Everything that must hold before a commit: generated files, format, lint, types, import arrows, tests. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const bin = (name: string) => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url))
const steps: readonly (readonly [string, string, readonly string[]])[] = [
  ['message code', process.execPath, ['scripts/generate.ts']],
  ['docs agree with the tables', process.execPath, ['scripts/generate-docs.ts', '--check']],
  ['format and lint', process.execPath, [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']],
  ['types', process.execPath, [bin('typescript/bin/tsc'), '-p', 'tsconfig.check.json']],
  ['tests', process.execPath, ['scripts/test.ts']],
]

for (const [what, command, args] of steps) {
  process.stderr.write(`== ${what}\n`)
  const run = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (run.status !== 0) {
    process.stderr.write(`check failed at: ${what}\n`)
    process.exit(run.status ?? 1)
  }
}
process.stderr.write('all checks passed\n')
