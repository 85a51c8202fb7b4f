/** The management handler on a real HTTP server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { silentLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { createManagementHandler } from '../../src/protocol/management.ts'

async function start(parts: Record<string, boolean>) {
  const { registry, commits } = createMetrics()
  commits.inc(3)
  const list = Object.entries(parts).map(([name, healthy]) => ({ name, healthy, detail: 'a path' }))
  const health = () => ({ healthy: list.every((part) => part.healthy), parts: list })
  const server = http.createServer(createManagementHandler({ health, registry, log: silentLog }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return [response.status, await response.text(), response.headers.get('content-type') ?? ''] as const
  }
  return {
    get,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('healthz, livez and metrics answer as Milvus', async () => {
  await using well = await start({ rows: true, catalog: true })
  assert.deepEqual((await well.get('/healthz')).slice(0, 2), [200, 'OK'])
  assert.deepEqual((await well.get('/livez')).slice(0, 2), [200, 'Milvus Process Active'])
  const [status, text, type] = await well.get('/metrics')
  assert.equal(status, 200)
  assert.match(type, /^text\/plain; version=0\.0\.4/)
  assert.match(text, /^redkite_commits_total 3$/m)
})

test('an ailing part turns healthz to 500, in text or JSON', async () => {
  await using ill = await start({ rows: true, catalog: false })
  assert.deepEqual((await ill.get('/healthz')).slice(0, 2), [500, 'Not all components are healthy, 1/2'])
  const [status, text] = await ill.get('/healthz', { headers: { 'content-type': 'application/json' } })
  assert.equal(status, 500)
  assert.deepEqual(JSON.parse(text), {
    state: 'Not all components are healthy, 1/2',
    detail: [
      { name: 'rows', code: 'Healthy' },
      { name: 'catalog', code: 'Abnormal' },
    ],
  })
})

test('nothing else is there', async () => {
  await using well = await start({ rows: true })
  for (const path of ['/', '/api/v1/health', '/management/stop', '/healthz/'])
    assert.equal((await well.get(path))[0], 404, path)
  assert.equal((await well.get('/healthz', { method: 'POST' }))[0], 405)
})
