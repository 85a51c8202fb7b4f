import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { ownNode, rerunOn } from './own-node.ts'

describe('the Node that was installed with the package', () => {
  const node = ownNode()
  const skip = node === null && 'there is none for this platform'

  it('is a Node 24', { skip }, () => {
    const ran = spawnSync(node ?? '', ['--version'], { encoding: 'utf8' })
    assert.match(ran.stdout, /^v24\./)
  })

  it('runs a command line again and hands its exit code on', async () => {
    assert.equal(await rerunOn(process.execPath, ['node', '-e', 'process.exitCode = 78']), 78)
    assert.equal(await rerunOn(process.execPath, ['node', '-e', '']), 0)
    assert.equal(await rerunOn(process.execPath, ['node', '-e', 'process.kill(process.pid, "SIGKILL")']), 70)
  })

  it('passes signals on', { skip: process.platform === 'win32' && 'Windows has no signals' }, async () => {
    const child =
      'process.on("SIGHUP", () => process.exit(75)); setInterval(() => process.kill(process.ppid, "SIGHUP"), 20)'
    assert.equal(await rerunOn(process.execPath, ['node', '-e', child]), 75)
  })

  it('says which one cannot be started', async () => {
    await assert.rejects(rerunOn('/nowhere/node', ['node']), {
      message: /^cannot start \/nowhere\/node: /,
      exitCode: 69,
    })
  })
})
