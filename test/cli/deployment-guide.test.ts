/** The page on deployment, its shell blocks followed; what needs an engine or a cluster is in `console` blocks. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cannotRun, fencedBlocks, Reader, readGuide } from '../support/guide.ts'

const PAGE = 'docs/guide/deployment.md'

it('the deployment page does what it says', { skip: process.platform === 'win32' && 'no POSIX shell' }, async () => {
  await using reader = await Reader.open()
  const blocks = fencedBlocks(readGuide(PAGE))
  let followed = 0
  for (const [index, block] of blocks.entries()) {
    const [kind] = block.info
    // what an engine's container says stands after a table, not after a block that was run
    if (kind === 'text' && blocks[index - 1]?.info[0] !== 'sh') continue
    if (kind === 'console') continue
    assert.equal(cannotRun(block), false)
    await reader.follow(block)
    followed += 1
  }
  assert.equal(followed, 6)
})

it('what the deployment page links to is there', () => {
  const guide = fileURLToPath(new URL('../../docs/guide/', import.meta.url))
  const links = [...readFileSync(join(guide, 'deployment.md'), 'utf8').matchAll(/\]\(([^)#]+)\)/g)].map(
    (match) => match[1] ?? '',
  )
  assert.deepEqual(
    links.filter((link) => !existsSync(join(guide, link))),
    [],
  )
})
