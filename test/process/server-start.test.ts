/** What ends a start, with which exit code, and what a start that succeeds promises. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { nodeClient, nodeConnects } from '../support/clients.ts'
import { main, otherUser, type Ready, redkite, refusedStart, startRedkite, temporary } from '../support/server.ts'
import { createRowsCollection } from '../support/writing-clients.ts'

const PLAIN = { kind: 'plain' } as const

/** One line that says what, one that says what to do. */
function assertTold(stderr: string, what: RegExp): void {
  assert.match(stderr, what)
  assert.doesNotMatch(stderr, /\n {4}at /, 'no stack')
}

describe('a start is refused', () => {
  it('on a data directory in use: exit 75 and the owner’s pid', async () => {
    await using owner = await startRedkite()
    const failed = await refusedStart({ data: owner.ready.data })
    assert.equal(failed.exitCode, 75)
    assertTold(failed.stderr, new RegExp(`data directory .* is in use by process ${owner.ready.pid}\\b`))
    assert.equal(await nodeConnects(owner.port, PLAIN), 'ok', 'the owner serves on')
  })

  it('on a port in use: exit 75, and the data directory is free again', async () => {
    using place = temporary()
    await using owner = await startRedkite()
    const failed = await refusedStart({ data: place.path, args: ['--port', String(owner.port)] })
    assert.equal(failed.exitCode, 75)
    assertTold(failed.stderr, new RegExp(`port ${owner.port} on .* is in use[\\s\\S]*proxy\\.port`))
    await using _second = await startRedkite({ data: place.path })
  })

  const other = otherUser()
  it('on a data directory that cannot be written: exit 77', { skip: other.skip }, async () => {
    using place = temporary()
    const data = join(place.path, 'data')
    mkdirSync(data)
    chmodSync(place.path, 0o755)
    chmodSync(data, 0o555)
    const failed = await refusedStart({ data, uid: other.uid })
    assert.equal(failed.exitCode, 77)
    assertTold(failed.stderr, new RegExp(`${data}.*cannot be used`))
  })

  it('on a catalog of a newer format: exit 78, and it is not touched', async () => {
    using place = temporary()
    await startAndStop(place.path)
    const file = join(place.path, 'catalog.db')
    execute(file, "UPDATE info SET value = '99' WHERE key = 'format'")
    const before = readFileSync(file)
    const failed = await refusedStart({ data: place.path })
    assert.equal(failed.exitCode, 78)
    assertTold(failed.stderr, /catalog\.db has format 99, newer than/)
    assert.deepEqual(readFileSync(file), before)
  })

  it('on rows of a newer format: exit 78, naming the file', async () => {
    using place = temporary()
    {
      await using served = await startRedkite({ data: place.path })
      const client = nodeClient(served.port, PLAIN)
      await createRowsCollection(client, 'newer')
      await client.closeConnection()
      assert.equal(await served.stop(), 0)
    }
    const [id] = readdirSync(join(place.path, 'collections'))
    const file = join(place.path, 'collections', id ?? '', 'rows.db')
    execute(file, "UPDATE info SET value = 99 WHERE key = 'format'")
    const failed = await refusedStart({ data: place.path })
    assert.equal(failed.exitCode, 78)
    assertTold(failed.stderr, /rows\.db has format 99[\s\S]*start the newer Redkite/)
  })

  it('on an unknown key: exit 78 and the key that was meant', async () => {
    const failed = await refusedStart({ args: ['--set', 'common.security.tlsMod=2'] })
    assert.equal(failed.exitCode, 78)
    assertTold(failed.stderr, /common\.security\.tlsMod\b[\s\S]*common\.security\.tlsMode/)
  })

  it('on a bad flag: exit 64', async () => {
    for (const args of [['run', '--no-such-flag'], ['run', 'cluster'], ['no-such-command']]) {
      const { exitCode, stderr } = await redkite(args)
      assert.equal(exitCode, 64, stderr)
    }
  })
})

describe('a start that succeeds', () => {
  it('writes the ready file whole, once every port answers', async () => {
    using place = temporary()
    const ready = join(place.path, 'ready.json')
    const ports = ['--port', '0', '--http-port', '0', '--metrics-port', '0']
    const child = spawn(process.execPath, [
      main,
      'run',
      '--data',
      join(place.path, 'data'),
      ...ports,
      '--ready-file',
      ready,
    ])
    const exited = once(child, 'exit')
    try {
      const until = Date.now() + 30_000
      while (!existsSync(ready) && Date.now() < until && child.exitCode === null) await wait(1)
      const said: Ready = JSON.parse(readFileSync(ready, 'utf8'))
      assert.equal(said.pid, child.pid)
      assert.equal(said.data, join(place.path, 'data'))
      assert.deepEqual(said.tls, { mode: 'plain', ca: null })
      const answers = await Promise.all([
        fetch(`${said.rest}/v2/vectordb/collections/list`, { method: 'POST' }).then((answer) => answer.status),
        fetch(`${said.metrics}/healthz`).then((answer) => answer.text()),
        nodeConnects(Number(new URL(said.grpc).port), PLAIN),
      ])
      assert.deepEqual(answers, [200, 'OK', 'ok'])
      assert.notEqual(said.rest, said.grpc)
      assert.deepEqual(readdirSync(place.path).sort(), ['data', 'ready.json'])
    } finally {
      child.kill('SIGTERM')
      await exited
    }
  })

  it('without REST where proxy.http.enabled is false: 404 and the key, gRPC as ever', async () => {
    await using served = await startRedkite({ args: ['--set', 'proxy.http.enabled=false'] })
    const answer = await fetch(`${served.ready.rest}/v2/vectordb/collections/list`, { method: 'POST', body: '{}' })
    assert.equal(answer.status, 404)
    assert.match(await answer.text(), /proxy\.http\.enabled is false/)
    assert.equal(await nodeConnects(served.port, { kind: 'plain' }), 'ok')
  })

  it('answers to `milvus run standalone`', async () => {
    using place = temporary()
    const milvus = join(place.path, 'milvus')
    symlinkSync(main, milvus)
    const ready = join(place.path, 'ready.json')
    const args = ['run', 'standalone', '--data', join(place.path, 'data'), '--port', '0', '--metrics-port', '0']
    // the node of this test first, for the script's own first line
    const PATH = `${join(process.execPath, '..')}:${process.env['PATH']}`
    const child = spawn(milvus, [...args, '--ready-file', ready], { env: { PATH } })
    const exited = once(child, 'exit')
    const until = Date.now() + 30_000
    while (!existsSync(ready) && Date.now() < until && child.exitCode === null) await wait(5)
    assert.ok(existsSync(ready))
    child.kill('SIGTERM')
    await exited
    assert.equal(child.exitCode, 0)
  })

  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address
  const skip = outside === undefined && 'this machine has no address but loopback'

  it('in plaintext without a configuration answers on loopback only, and says so', { skip }, async () => {
    await using closed = await startRedkite()
    assert.match(closed.stdout(), /plaintext, so only this machine can connect/)
    assert.equal(await answers(outside ?? '', closed.port), false)
    assert.equal(await answers('127.0.0.1', closed.port), true)
  })

  it('opens to all by redkite.host, or by --host', { skip }, async () => {
    for (const args of [
      ['--set', 'redkite.host=0.0.0.0'],
      ['--host', '0.0.0.0'],
    ]) {
      await using open = await startRedkite({ args })
      assert.doesNotMatch(open.stdout(), /only this machine can connect/)
      assert.equal(await answers(outside ?? '', open.port), true)
      assert.equal(await answers(outside ?? '', Number(new URL(open.ready.metrics ?? '').port)), false)
    }
  })
})

async function startAndStop(data: string): Promise<void> {
  await using served = await startRedkite({ data })
  assert.equal(await served.stop(), 0)
}

function execute(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

/** Whether a TCP connection is taken. */
function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 2_000 })
  return new Promise((resolve) => {
    const end = (taken: boolean) => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}
