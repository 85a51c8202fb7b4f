/** Where `install.sh` puts the frameworks, and the texts and embeddings that their tests use. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = new URL('../../../.cache/frameworks/', import.meta.url)
const require = createRequire(new URL('package.json', root))

/** Why a test of this package is skipped; false = it is there. */
export function skipWithout(name: string): string | false {
  const isThere = existsSync(fileURLToPath(new URL(`node_modules/${name}/package.json`, root)))
  return isThere ? false : `${name} is not installed: run test/clients/frameworks/install.sh`
}

/** A module of the frameworks, resolved as a program beside them would. */
export function importFramework(name: string): Promise<unknown> {
  return import(pathToFileURL(require.resolve(name)).href)
}

/** Texts by what they are about; the first word of a text decides its embedding. */
export const texts = ['kite flies high', 'hawk flies fast', 'stone lies still', 'river runs down'] as const

/** One direction a first word: texts of the same first word are nearest to one another. */
export function embed(text: string, dim: number): number[] {
  const word = text.split(' ')[0] ?? ''
  const index = texts.findIndex((known) => known.startsWith(word))
  return Array.from({ length: dim }, (_, d) => (d === index ? 1 : 0.01))
}
