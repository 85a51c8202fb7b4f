import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { otherReaders } from './permissions.ts'

const skip = process.platform === 'win32' ? 'no permission bits on Windows' : false

describe('otherReaders', { skip }, () => {
  const uid = process.geteuid?.() ?? 0
  const gid = process.getegid?.() ?? 0

  it('of a file of our own: the owner alone', () => {
    for (const [mode, who] of [
      [0o600, null],
      [0o400, null],
      [0o640, 'its group'],
      [0o440, 'its group'],
      [0o644, 'every user'],
      [0o604, 'every user'],
    ] as const) {
      assert.equal(otherReaders({ mode, uid, gid }), who, mode.toString(8))
    }
  })

  // a Secret with fsGroup 2000 as Kubernetes mounts it, and root:redkite 0640 as a package would lay it
  it("of root's file that our group may read: nobody else", (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can become another user')
    const program = `
      import { otherReaders } from ${JSON.stringify(new URL('./permissions.ts', import.meta.url).href)}
      process.setgroups([2000]); process.setgid(1000); process.setuid(1000)
      const at = (mode, gid, uid = 0) => otherReaders({ mode, uid, gid })
      console.log(JSON.stringify([
        at(0o440, 2000), at(0o640, 1000), at(0o640, 3000), at(0o660, 2000), at(0o444, 2000), at(0o640, 1000, 1000),
      ]))`
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    assert.deepEqual(
      JSON.parse(ran.stdout),
      [null, null, 'its group', 'its group', 'every user', 'its group'],
      ran.stderr,
    )
  })
})
