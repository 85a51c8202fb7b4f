/** Loads configurations of tests: no environment but what is given, a working directory of their own. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { StartError } from '../errors/start-error.ts'
import type { Config } from './config.ts'
import { type Finding, sourceText } from './finding.ts'
import { type LoadedConfig, type LoadInput, loadConfig, tryLoadConfig } from './load.ts'
import type { Key } from './schema.ts'

/** Where relative paths start, unless `cwd` is given. */
export const root = mkdtempSync(join(tmpdir(), 'redkite-config-'))
after(() => rmSync(root, { recursive: true, force: true }))

let directories = 0

/** A fresh working directory with these files. */
export function workingDirectory(files: Readonly<Record<string, string>>): string {
  const cwd = join(root, String(directories++))
  mkdirSync(cwd)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  return cwd
}

/** Loads without anything of this machine: no environment, an empty working directory. */
export function load(input: LoadInput = {}): LoadedConfig {
  return loadConfig({ environment: {}, cwd: root, ...input })
}

/** The configuration with these settings alone. */
export function withSet(...set: string[]): Config {
  return load({ flags: { set } }).config
}

/** Where the value of a key comes from. */
export function sourceOf(input: LoadInput, key: Key): string {
  const entry = load(input).effective.find((each) => each.key === key)
  return entry === undefined ? 'absent' : sourceText(entry.source)
}

/** What refuses a configuration; accepted is a failure of the test. */
export function refusal(input: LoadInput): StartError {
  try {
    load(input)
  } catch (thrown) {
    if (thrown instanceof StartError) return thrown
    throw thrown
  }
  return assert.fail('the configuration was accepted')
}

/** All findings, whether it is accepted or not. */
export function findingsOf(input: LoadInput): readonly Finding[] {
  return tryLoadConfig({ environment: {}, cwd: root, ...input }).findings
}
