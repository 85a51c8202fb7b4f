/** What a running server does on signals: the contract of `redkite run --help`. */
import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { startRedkite, temporary } from '../support/server.ts'

const place = temporary()
after(() => place[Symbol.dispose]())

describe('signals', { skip: process.platform === 'win32' && 'signals are those of POSIX' }, () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    it(`${signal} stops with exit code 0`, async () => {
      await using served = await startRedkite()
      await served.kill(signal)
      assert.equal(served.process.exitCode, 0)
      assert.match(served.log(), new RegExp(`\\["stopping: running calls may finish"\\] \\[signal=${signal}\\]`))
    })
  }

  it('SIGHUP applies the log level and names what waits for a restart', async () => {
    const config = join(place.path, 'milvus.yaml')
    writeFileSync(config, 'log: {level: info}\n')
    await using served = await startRedkite({ args: ['--config', config, '--host', '127.0.0.1'] })
    writeFileSync(config, 'log: {level: debug}\nproxy: {maxDimension: 64}\n')
    served.process.kill('SIGHUP')
    await served.logged(/\["log level"\] \[from=info\] \[to=debug\]/)
    await served.logged(/\["changed keys hold from the next start"\] \[keys=proxy\.maxDimension\]/)
    writeFileSync(config, 'log: {level: loud}\n')
    served.process.kill('SIGHUP')
    await served.logged(
      /\[ERROR\] .*nothing of it is taken"\] \[error="[^\n]*milvus\.yaml:1:7: log\.level must be one of/,
    )
    assert.equal(await served.stop(), 0)
  })

  it('SIGHUP opens a log file anew', async () => {
    const logs = join(place.path, 'logs')
    await using served = await startRedkite({ args: ['--set', `log.file.rootPath=${logs}`] })
    renameSync(join(logs, 'redkite.log'), join(logs, 'redkite.log.1'))
    served.process.kill('SIGHUP')
    await served.logged(/nothing to reload|certificates are unchanged/)
    assert.equal(await served.stop(), 0)
    assert.match(readFileSync(join(logs, 'redkite.log'), 'utf8'), /stopping: running calls may finish/)
    assert.match(readFileSync(join(logs, 'redkite.log.1'), 'utf8'), /ready to serve/)
  })
})
