/**
 * Property 8, in this process: 100,000 mutated inputs over every parser. Each is read or refused in the parser's own
 * way; nothing else is thrown, nothing takes long, and the memory stays.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { collectGarbage } from '../../src/embedded/store/collect-garbage.ts'
import { amount, report, TEST_MS_MAX } from './support/budget.ts'
import { makeMaterial } from './support/material.ts'
import { mutated, SEED } from './support/mutation.ts'
import { type Parser, parsers, scratchFolder } from './support/parsers.ts'
import { megabytes, ms } from './support/readings.ts'

/** In all; in the long run this many of each kind. */
const INPUTS = amount(100_000, 1_200_000)
const LONG_MS = 10_000
const GROWTH_MAX = 48 << 20
const CORPUS = new URL('./corpus/', import.meta.url)

const scratch = scratchFolder()
let table: Readonly<Record<string, Parser>>
before(async () => {
  table = await parsers(await makeMaterial(scratch.path), scratch.path)
})
after(() => scratch[Symbol.dispose]())

/** How long one input took. @throws where a parser did neither of the two things it may */
async function tried({ parse, refuses }: Parser, input: Buffer): Promise<number> {
  const began = performance.now()
  try {
    await parse(input)
  } catch (thrown) {
    const isRefusal = thrown instanceof Error && refuses(thrown)
    if (!isRefusal) throw thrown
  }
  const took = performance.now() - began
  assert.ok(took < LONG_MS, `${ms(took)} for ${input.length} bytes`)
  return took
}

function heldBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('mutated inputs, by parser', () => {
  test('what once went wrong', async (t) => {
    const files = readdirSync(CORPUS).filter((name) => name !== 'README.md')
    for (const name of files) {
      const input = readFileSync(new URL(name, CORPUS))
      for (const parser of Object.values(table)) await tried(parser, input)
    }
    report(t, { inputs: files.length, parsers: Object.keys(table).length })
  })

  test(`${INPUTS} mutations`, { timeout: TEST_MS_MAX }, async (t) => {
    const weights = Object.values(table).reduce((sum, { weight }) => sum + weight, 0)
    const before = heldBytes()
    let all = 0
    for (const [name, parser] of Object.entries(table)) {
      const numRuns = Math.round((INPUTS * parser.weight) / weights)
      let longest = 0
      const began = performance.now()
      await fc.assert(
        fc.asyncProperty(mutated(parser.samples), async (input) => {
          longest = Math.max(longest, await tried(parser, input))
        }),
        { numRuns, seed: SEED },
      )
      all += numRuns
      report(t, { [name]: `${numRuns} in ${ms(performance.now() - began)}, the longest ${ms(longest)}` })
    }
    const grown = heldBytes() - before
    report(t, { seed: SEED, inputs: all, grown: megabytes(grown) })
    assert.ok(grown < GROWTH_MAX, megabytes(grown))
  })
})
