import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { StartError } from '../errors/start-error.ts'
import { lockDataDirectory } from './lock.ts'
import { temporaryDirectory } from './store/test-support.ts'

const script = `
  const { lockDataDirectory } = await import(${JSON.stringify(new URL('./lock.ts', import.meta.url).href)})
  try {
    globalThis.held = lockDataDirectory(process.argv[1])
    console.log('held')
    setInterval(() => {}, 1000)
  } catch (error) {
    console.log(error.exitCode + ' ' + error.message)
  }`

/** A process that takes the lock; `said` is its first line. */
function contender(directory: string): { child: ChildProcess; said: Promise<string> } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = once(child.stdout, 'data').then(([chunk]) => String(chunk).trim())
  return { child, said }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('lock of the data directory', () => {
  it('refuses a second owner in the same process and lets go', () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'data')
    const first = lockDataDirectory(path)
    assert.throws(
      () => lockDataDirectory(path),
      (error) => {
        assert.ok(error instanceof StartError)
        assert.equal(error.exitCode, 75)
        assert.equal(error.message, `data directory ${path} is in use by process ${process.pid}`)
        return true
      },
    )
    first[Symbol.dispose]()
    lockDataDirectory(path)[Symbol.dispose]()
  })

  it('lets exactly one of several processes in, names it to the others, and passes on after kill -9', async () => {
    using directory = temporaryDirectory()
    const contenders = Array.from({ length: 4 }, () => contender(directory.path))
    try {
      const said = await Promise.all(contenders.map((each) => each.said))
      const winners = contenders.filter((_, i) => said[i] === 'held')
      assert.equal(winners.length, 1, said.join('; '))
      const pid = winners[0]?.child.pid
      for (const line of said.filter((each) => each !== 'held')) {
        assert.equal(line, `75 data directory ${directory.path} is in use by process ${pid}`)
      }
      assert.throws(() => lockDataDirectory(directory.path), { exitCode: 75 })
      await Promise.all(winners.map(({ child }) => end(child)))
      lockDataDirectory(directory.path)[Symbol.dispose]()
    } finally {
      await Promise.all(contenders.map(({ child }) => end(child)))
    }
  })

  it('names the remedy where the directory cannot be made', () => {
    assert.throws(() => lockDataDirectory('/dev/null/data'), { exitCode: 77, message: /cannot be used/ })
  })
})
