/**
 * Writes the documentation that follows from the tables in the code; `--check` writes nothing and exits 1 when a file
 * differs. To add a generated file or part of one, add a line to `documents`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderConfiguration, renderSampleYaml } from './docs/configuration.ts'
import { renderErrors } from './docs/errors.ts'
import { renderLimits } from './docs/limits.ts'
import { renderReadme } from './docs/readme.ts'

interface Document {
  /** From the repository's root. */
  readonly path: string
  /** The whole text of the file; `current` is what it is now ('' where it does not exist). */
  render(current: string): string
}

const documents: readonly Document[] = [
  { path: 'docs/reference/configuration.md', render: renderConfiguration },
  { path: 'docs/reference/milvus.yaml', render: renderSampleYaml },
  { path: 'docs/reference/errors.md', render: renderErrors },
  { path: 'docs/guide/limits.md', render: renderLimits },
  { path: 'README.md', render: renderReadme },
]

const isCheck = process.argv.includes('--check')
const stale: string[] = []
for (const { path, render } of documents) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  const current = readOrEmpty(file)
  const wanted = render(current)
  if (wanted === current) continue
  stale.push(path)
  if (isCheck) continue
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, wanted)
}
for (const path of stale) console.log(isCheck ? `${path} is stale: run node scripts/generate-docs.ts` : `wrote ${path}`)
if (isCheck && stale.length > 0) process.exitCode = 1

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
