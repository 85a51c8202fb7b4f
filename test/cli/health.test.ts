import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redkite, startRedkite } from '../support/server.ts'

describe('redkite health', () => {
  it('asks the management port, under mutual TLS too', async () => {
    await using served = await startRedkite({ args: ['--auto-tls', '--tls', 'mutual'] })
    const port = new URL(served.ready.metrics ?? '').port
    const text = await redkite(['health', '--metrics-port', port])
    assert.deepEqual([text.exitCode, text.stdout], [0, 'OK\n'])
    const json = await redkite(['health', '--url', served.ready.metrics ?? '', '-o', 'json'])
    const said: { healthy: boolean; state: string; parts: { healthy: boolean }[] } = JSON.parse(json.stdout)
    assert.ok(said.healthy && said.state === 'OK' && said.parts.length > 0)

    const wrong = await redkite(['health', '--url', served.ready.grpc])
    assert.equal(wrong.exitCode, 1)
    assert.match(wrong.stdout, /no answer/)

    assert.equal(await served.stop(), 0)
    const gone = await redkite(['health', '--metrics-port', port])
    assert.deepEqual([gone.exitCode, /no answer: ECONNREFUSED/.test(gone.stdout)], [1, true])
  })

  it('says what is wrong with the call', async () => {
    assert.equal((await redkite(['health', '--metrics-port', '0'])).exitCode, 64)
    assert.equal((await redkite(['health', '--url', 'localhost:9091'])).exitCode, 64)
    assert.equal((await redkite(['health', '--timeout', 'soon'])).exitCode, 64)
  })
})
