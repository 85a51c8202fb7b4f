/**
 * A real Milvus 2.3.5 and ours side by side: the same handshakes in tlsMode 1 and 2, the same rows and searches. Where
 * ours answers otherwise, `handshake-cases.ts` says why. One real Milvus at a time: two starts in all.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { fill, refusals, samePartitions, sameQueries, sameSearches } from '../clients/data-parity.ts'
import { handshakeCases, type Material, type Mode, makeMaterial, pymilvusCases } from '../clients/handshake-cases.ts'
import { nodeClient } from '../support/clients.ts'
import { type RealMilvus, realMilvusTool, startRealMilvus } from '../support/real-milvus.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { python, run } from '../support/tools.ts'

const place = temporary()
let material: Material
before(async () => {
  if (realMilvusTool.skip === false) material = await makeMaterial(place.path)
})
after(() => place[Symbol.dispose]())

interface Both {
  readonly real: RealMilvus
  readonly ours: Served
}

async function startBoth(mode: Mode): Promise<Both> {
  const { set } = material
  // one after the other: should Milvus not start, nothing of ours is left running
  const real = await startRealMilvus({ tlsMode: mode, serverPem: set.server, serverKey: set.serverKey, caPem: set.ca })
  try {
    const tls = ['--tls', mode === 1 ? 'one-way' : 'mutual', '--tls-dir', set.dir]
    return { real, ours: await startRedkite({ args: [...tls, '--host', '127.0.0.1'] }) }
  } catch (error) {
    await real[Symbol.asyncDispose]()
    throw error
  }
}

async function stop({ real, ours }: Both): Promise<void> {
  await real[Symbol.asyncDispose]()
  await ours[Symbol.asyncDispose]()
}

/** All of pymilvus' cases against both servers, in one program. */
async function pymilvusOutcomes(both: Both): Promise<readonly (readonly [string, string, string])[]> {
  const ports = [both.real.port, both.ours.port]
  const options = ports.flatMap((port) =>
    pymilvusCases.map((one) => {
      const secure = { uri: `https://localhost:${port}`, secure: true, server_name: 'localhost' }
      return { ...secure, ...one.options(material) }
    }),
  )
  const file = fileURLToPath(new URL('../clients/python/handshakes.py', import.meta.url))
  const ran = await run(python.path, [file, JSON.stringify(options)], { env: { PYTHONDONTWRITEBYTECODE: '1' } })
  assert.equal(ran.exitCode, 0, ran.stderr)
  const outcomes = JSON.parse(ran.stdout) as string[]
  const count = pymilvusCases.length
  return pymilvusCases.map(({ what }, at) => [what, outcomes[at] ?? '', outcomes[count + at] ?? ''] as const)
}

for (const mode of [1, 2] as const) {
  describe(`a real Milvus and ours, tlsMode ${mode}`, { skip: realMilvusTool.skip }, () => {
    let both: Both
    before(async () => {
      both = await startBoth(mode)
    })
    after(() => stop(both))

    for (const one of handshakeCases) {
      const differs = one.ours ? ` (differs: ${one.ours.because})` : ''
      it(`${one.what}${differs}`, { skip: one.needs?.skip ?? false }, async () => {
        assert.equal(await one.run(both.real.port, material), one.outcome[mode], 'Milvus')
        const expected = one.ours?.outcome ?? one.outcome
        assert.equal(await one.run(both.ours.port, material), expected[mode], 'ours')
        if (one.ours) assert.notDeepEqual(one.ours.outcome, one.outcome, 'no difference: take it out of the table')
      })
    }

    it('pymilvus: every way to name certificates', { skip: python.skip }, async () => {
      const outcomes = await pymilvusOutcomes(both)
      assert.deepEqual(
        outcomes,
        pymilvusCases.map(({ what, outcome }) => [what, outcome[mode], outcome[mode]]),
      )
    })

    if (mode === 1) it('the same rows, searches, queries and refusals', (t) => dataParity(both, t))
  })
}

/** Over TLS, as everything in this file. */
async function dataParity(both: Both, t: { test(name: string, run: () => Promise<void>): Promise<void> }) {
  const show = { kind: 'oneWay', set: material.set } as const
  const clients: MilvusClient[] = [both.real.port, both.ours.port].map((port) => nodeClient(port, show))
  const [real, ours] = clients
  assert.ok(real && ours)
  try {
    await Promise.all(clients.map((client) => client.connectPromise))
    await Promise.all(clients.map(fill))
    await t.test('searches: ids and scores', () => sameSearches(real, ours))
    await t.test('queries: rows', () => sameQueries(real, ours))
    await t.test('partitions: released and dropped on their own', async () => {
      for (const client of clients) await samePartitions(client)
    })
    await t.test('refusals: what the texts of 2.3 and 2.6 have in common', async () => {
      for (const [what, ask, text] of refusals) {
        for (const client of clients) {
          const { status } = await ask(client)
          assert.notEqual(status.code ?? 0, 0, what)
          assert.match(status.reason, text, what)
        }
      }
    })
  } finally {
    await Promise.all(clients.map((client) => client.closeConnection()))
  }
}
