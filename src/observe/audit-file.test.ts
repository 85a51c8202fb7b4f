import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { StartError } from '../errors/start-error.ts'
import { AuditFile } from './audit-file.ts'
import { type LogFields, silentLog } from './log.ts'
import { createMetrics } from './metrics.ts'

const directory = mkdtempSync(join(tmpdir(), 'redkite-audit-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const isLinux = process.platform === 'linux'

function open(path: string) {
  const lines: { message: string; fields: LogFields }[] = []
  const note = (message: string, fields: LogFields = {}) => void lines.push({ message, fields })
  const log = { ...silentLog, warn: note, error: note, at: () => log }
  const metrics = createMetrics()
  return { file: new AuditFile(path, log, metrics), lines, metrics }
}

function read(path: string): unknown[] {
  const text = readFileSync(path, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'), 'the last line is whole')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown)
}

describe('the audit file', () => {
  it('is appended to, for its owner alone', { skip: process.platform === 'win32' && 'POSIX modes' }, () => {
    const path = join(directory, 'mode.log')
    for (const n of [1, 2]) {
      using file = open(path).file
      file.write({ n })
    }
    assert.deepEqual(read(path), [{ n: 1 }, { n: 2 }])
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('warns of a file that others can read', { skip: process.platform === 'win32' && 'POSIX modes' }, () => {
    const path = join(directory, 'open.log')
    writeFileSync(path, '')
    chmodSync(path, 0o644)
    const { file, lines } = open(path)
    file[Symbol.dispose]()
    assert.equal(lines[0]?.fields['mode'], '0644')
  })

  it('goes on in a new file after the old one was moved away', () => {
    const path = join(directory, 'moved.log')
    using file = open(path).file
    file.write({ n: 1 })
    renameSync(path, `${path}.1`)
    file.write({ n: 2 })
    file.reopen()
    file.write({ n: 3 })
    assert.deepEqual([read(`${path}.1`), read(path)], [[{ n: 1 }, { n: 2 }], [{ n: 3 }]])
  })

  it('a path that cannot be opened ends the start', () => {
    assert.throws(
      () => open(join(directory, 'no', 'such')),
      (thrown) => thrown instanceof StartError && /ENOENT/.test(thrown.message),
    )
  })

  it('a pipe that nobody reads ends the start instead of holding it', { skip: !isLinux && 'mkfifo' }, () => {
    const path = join(directory, 'pipe')
    spawnSync('mkfifo', [path])
    assert.throws(() => open(path), /ENXIO/)
  })

  it('a full disk is said once, lines wait, and none is lost', { skip: !isLinux && '/dev/full' }, async () => {
    const link = join(directory, 'link.log')
    const real = join(directory, 'real.log')
    symlinkSync('/dev/full', link)
    const { file, lines, metrics } = open(link)
    for (let n = 0; n < 100; n++) file.write({ n })
    assert.equal(file.fault(), 'ENOSPC')
    assert.equal(lines.length, 1)
    rmSync(link)
    symlinkSync(real, link)
    file.reopen()
    assert.equal(file.fault(), null)
    assert.equal(read(real).length, 100)
    const { values } = await metrics.auditLines.get()
    assert.deepEqual(Object.fromEntries(values.map(({ labels, value }) => [labels.result, value])), {
      failed: 1,
      written: 100,
    })
    file[Symbol.dispose]()
  })

  it('what waits is bounded, and what is lost is counted', { skip: !isLinux && '/dev/full' }, async () => {
    const { file, metrics } = open('/dev/full')
    for (let n = 0; n < 10_100; n++) file.write({ n })
    const { values } = await metrics.auditLines.get()
    assert.equal(values.find(({ labels }) => labels.result === 'lost')?.value, 100)
  })

  it('lines stay whole where the disk fills up within one', (t) => {
    const disk = join(directory, 'disk')
    mkdirSync(disk)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0) {
      t.skip('mounting a small tmpfs needs Linux and root')
      return
    }
    try {
      const path = join(disk, 'a.log')
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(40 * 1024))
      const { file } = open(path)
      let n = 0
      for (; file.fault() === null && n < 5_000; n++) file.write({ n, text: 'x'.repeat(97) })
      assert.equal(file.fault(), 'ENOSPC')
      rmSync(join(disk, 'ballast'))
      file.write({ n: n++ })
      assert.equal(file.fault(), null)
      assert.deepEqual(
        read(path).map((line) => (line as { n: number }).n),
        Array.from({ length: n }, (_, i) => i),
      )
      file[Symbol.dispose]()
    } finally {
      spawnSync('umount', ['-l', disk])
    }
  })
})
