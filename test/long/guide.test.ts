/** The guides say what is so: their blocks are run as a reader would, against the built server. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { REFUSAL_REASONS } from '../../src/tls/refusal.ts'
import { cannotRun, fencedBlocks, Reader, readGuide } from '../support/guide.ts'

for (const path of [
  'docs/guide/quick-start.md',
  'docs/guide/encryption-in-transit.md',
  'docs/guide/users-by-certificate.md',
  'docs/guide/verify-and-doctor.md',
  'docs/guide/operations.md',
]) {
  describe(path, () => {
    let reader: Reader
    before(async () => {
      reader = await Reader.open()
    })
    after(() => reader[Symbol.asyncDispose]())
    for (const block of fencedBlocks(readGuide(path))) {
      it(`line ${block.line}: ${block.info.join(' ')}`, async (test) => {
        const skip = cannotRun(block)
        await reader.follow(block)
        if (skip !== false) test.skip(skip)
      })
    }
  })
}

describe('the table of refusals', () => {
  it('has a row for each reason of the log, and no other', () => {
    const [, table = ''] = readGuide('docs/guide/encryption-in-transit.md').split('## 10. Refusals')
    const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1])
    assert.deepEqual(rows.toSorted(), REFUSAL_REASONS.toSorted())
  })
})
