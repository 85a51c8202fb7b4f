/**
 * Property 10: nothing of what a client says can be read on the wire, before the proxy or behind it. The loopback
 * interface is recorded while a client stores and searches canaries; without TLS they are all there, so the check can
 * fail, and with it none is.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DataType } from '@zilliz/milvus2-sdk-node'
import { nodeClient, ROOT, type Show } from '../support/clients.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { internalTls, linkTls, settings, startProxy } from '../support/upstream.ts'
import { report } from './support/budget.ts'
import { tcpdump } from './support/programs.ts'

const STRING = 'canary-of-a-varchar-7f3a'
const PASSWORD = 'Canary-Password-51'
const DIM = 16
/** Floats that nobody else sends; 64 bytes on the wire, little-endian. */
const VECTOR = Array.from({ length: DIM }, (_, index) => Math.fround(Math.sin(index + 1) * 1234.5))
const CANARIES: Readonly<Record<string, Buffer>> = {
  string: Buffer.from(STRING),
  vector: Buffer.from(Float32Array.from(VECTOR).buffer),
  // as it goes over the wire; logins stand in headers, which HTTP/2 packs
  password: Buffer.from(Buffer.from(PASSWORD).toString('base64')),
  collection: Buffer.from('canary_collection'),
}

const place = temporary()
let set: CertSet
before(async () => {
  set = await createSet(join(place.path, 'tls'))
})
after(() => place[Symbol.dispose]())

/** Records a TCP port of loopback; `stop` gives what was seen. */
async function capture(port: number): Promise<{ stop(): Promise<Buffer> }> {
  const file = join(place.path, `${port}.pcap`)
  const args = ['-i', 'lo', '-s', '0', '-U', '--immediate-mode', '-Z', 'root', '-w', file, 'tcp', 'port', String(port)]
  const child: ChildProcess = spawn(tcpdump.path, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('listening on')) resolve()
    })
    exited.then(() => reject(new Error(`tcpdump ended: ${said}`)), reject)
  })
  return {
    async stop() {
      child.kill('SIGINT')
      await exited
      assert.match(said, /\b0 packets dropped by kernel/)
      return readFileSync(file)
    },
  }
}

/** Which canaries a recording holds. */
function found(recording: Buffer): string[] {
  return Object.keys(CANARIES).filter((name) => recording.includes(CANARIES[name] ?? ''))
}

/** Puts every canary through a connection. */
async function talk(port: number, show: Show): Promise<void> {
  const first = nodeClient(port, show, ROOT)
  await first.connectPromise
  await first.updateUser({ username: 'root', oldPassword: 'Milvus', newPassword: PASSWORD })
  await first.closeConnection()
  const client = nodeClient(port, show, { user: 'root', password: PASSWORD })
  await client.connectPromise
  const fields = [
    { name: 'id', data_type: DataType.Int64, is_primary_key: true },
    { name: 'text', data_type: DataType.VarChar, max_length: 100 },
    { name: 'vector', data_type: DataType.FloatVector, dim: DIM },
  ]
  const collection_name = 'canary_collection'
  const made = await client.createCollection({ collection_name, fields, consistency_level: 'Strong' })
  assert.equal(made.error_code, 'Success', made.reason)
  await client.createIndex({ collection_name, field_name: 'vector', index_type: 'FLAT', metric_type: 'L2' })
  await client.loadCollectionSync({ collection_name })
  await client.insert({ collection_name, data: [{ id: 1, text: STRING, vector: VECTOR }] })
  const hit = await client.search({
    collection_name,
    data: [VECTOR],
    limit: 1,
    filter: `text == "${STRING}"`,
    output_fields: ['text', 'vector'],
  })
  assert.equal(hit.results.length, 1, hit.status.reason)
  await client.closeConnection()
}

/** What of the canaries can be read before the proxy, and behind it. */
async function readable(tls: boolean, show: Show, mode: string): Promise<Readonly<Record<string, string[]>>> {
  const auth = settings({ 'common.security.authorizationEnabled': 'true' })
  await using node = await startRedkite({ args: [...auth, ...(tls ? internalTls(set) : [])] })
  const upstream = tls ? (node.ready.internal ?? '') : node.ready.grpc
  const outside = mode === 'off' ? [] : ['--tls', mode, '--tls-dir', set.dir]
  await using proxy = await startProxy(upstream, [...outside, ...(tls ? linkTls(set) : [])])
  await proxy.logged(/upstream connected/)
  const links = { 'client to proxy': proxy.port, 'proxy to node': Number(new URL(upstream).port) }
  const captures = await Promise.all(Object.values(links).map((port) => capture(port)))
  await talk(proxy.port, show)
  const recordings = await Promise.all(captures.map((one) => one.stop()))
  for (const recording of recordings) assert.ok(recording.length > 5_000, `${recording.length} bytes recorded`)
  return Object.fromEntries(
    Object.keys(links).map((link, index) => [link, found(recordings[index] ?? Buffer.alloc(0))]),
  )
}

const skip = tcpdump.skip || (process.getuid?.() !== 0 && 'only root can record loopback')
describe('a recording of loopback', { skip }, () => {
  const all = Object.keys(CANARIES)
  it('shows every canary on both links without TLS: the check can fail', async (t) => {
    const seen = await readable(false, { kind: 'plain' }, 'off')
    assert.deepEqual(seen, { 'client to proxy': all, 'proxy to node': all })
    report(t, { canaries: all.length, links: 2 })
  })
  it('shows none behind a proxy whose clients speak plaintext', async () => {
    const seen = await readable(true, { kind: 'plain' }, 'off')
    assert.deepEqual(seen, { 'client to proxy': all, 'proxy to node': [] })
  })
  it('shows none on either link in mode 1', async () => {
    const seen = await readable(true, { kind: 'oneWay', set }, 'one-way')
    assert.deepEqual(seen, { 'client to proxy': [], 'proxy to node': [] })
  })
  it('shows none on either link in mode 2', async () => {
    const seen = await readable(true, { kind: 'mutual', set }, 'mutual')
    assert.deepEqual(seen, { 'client to proxy': [], 'proxy to node': [] })
  })
})
