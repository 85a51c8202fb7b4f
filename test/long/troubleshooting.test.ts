/** Every text of the troubleshooting guide is what a client really shows for the cause that the guide gives. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readGuide } from '../support/guide.ts'
import { curl, python } from '../support/tools.ts'
import { type Bench, faults, openBench } from '../support/troubles.ts'

interface Row {
  readonly text: string
  readonly shownBy: readonly string[]
}

const rows: readonly Row[] = [
  ...readGuide('docs/guide/troubleshooting.md').matchAll(/^\| `([^`]+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$/gm),
].map(([, text = '', shownBy = '']) => ({ text, shownBy: shownBy.split(', ') }))

const skipOf = (shownBy: string): string | false =>
  (shownBy === 'pymilvus' && python.skip) || (shownBy === 'curl' && curl.skip)

describe('docs/guide/troubleshooting.md', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench[Symbol.asyncDispose]())

  it('has the texts that are tested, and no other', () => {
    const of = (texts: readonly (readonly [string, readonly string[]])[]) =>
      texts.map(([text, shownBy]) => `${text}: ${shownBy.toSorted().join()}`).toSorted()
    const tested = Object.entries(faults).map(([text, by]) => [text, Object.keys(by)] as const)
    assert.deepEqual(of(rows.map(({ text, shownBy }) => [text, shownBy] as const)), of(tested))
  })

  for (const { text, shownBy } of rows) {
    for (const one of shownBy) {
      it(`${text} (${one})`, { skip: skipOf(one) }, async () => {
        const shown = await faults[text]?.[one]?.(bench)
        assert.ok(shown?.includes(text), `it shows: ${shown}`)
      })
    }
  }
})
