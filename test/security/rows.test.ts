/** Property 15: every row of the page has its acceptance tests, so that none can vanish; and the guide is walked through. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

const ROWS = ['A1', 'A2', 'A3', 'B1', 'B2', 'B3', 'B4', 'B5', 'C1', 'C2', 'C3', 'D1', 'D2', 'D3', 'D4', 'D5']
const folder = new URL('../acceptance/', import.meta.url)
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))

/** The titles of groups and tests in a source, without those that never run. */
function titlesIn(source: string): readonly string[] {
  return [...source.matchAll(/^ *(?:describe|it|test)\((['"`])(.+?)\1,/gm)].map(([, , title = '']) => title)
}

describe('the rows of the page', () => {
  const titles = sources.flatMap(titlesIn)
  for (const row of ROWS) {
    it(`${row} has an acceptance test`, () => {
      assert.ok(
        titles.some((title) => new RegExp(`^${row}\\b`).test(title)),
        `no title under test/acceptance begins with ${row}`,
      )
    })
  }
  it('none is switched off', () => {
    for (const source of sources)
      assert.doesNotMatch(source, /\b(?:describe|it|test)\.(?:skip|todo|only)\(['"`]|skip: true/)
  })
  it('the guide’s blocks are executed', () => {
    const guide = readFileSync(new URL('../long/guide.test.ts', import.meta.url), 'utf8')
    assert.match(guide, /docs\/guide\/encryption-in-transit\.md/)
  })
})
