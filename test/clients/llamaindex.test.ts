/** LlamaIndex TS' Milvus store, unchanged, over mutual TLS with a login: add, query with and without filter, delete. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ROOT } from '../support/clients.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { embed, importFramework, skipWithout, texts } from './frameworks/frameworks.ts'

/** The store's own, not to be changed. */
const DIM = 1536

interface Query {
  readonly queryEmbedding: readonly number[]
  readonly similarityTopK: number
  readonly mode: 'default'
  readonly filters?: {
    readonly filters: readonly { readonly key: string; readonly value: string; readonly operator: '==' }[]
  }
}

/** As much of the store as this test calls. */
interface Store {
  add(nodes: readonly object[]): Promise<readonly string[]>
  query(query: Query): Promise<{ readonly ids: readonly string[]; readonly nodes: readonly object[] }>
  delete(id: string): Promise<void>
  client(): { closeConnection(): Promise<unknown> }
}

interface Modules {
  readonly MilvusVectorStore: new (init: object) => Store
  readonly TextNode: new (init: object) => object
}

async function modules(): Promise<Modules> {
  const [store, schema] = await Promise.all([
    importFramework('@llamaindex/milvus'),
    importFramework('@llamaindex/core/schema'),
  ])
  return { ...(store as Pick<Modules, 'MilvusVectorStore'>), ...(schema as Pick<Modules, 'TextNode'>) }
}

function openStore({ MilvusVectorStore }: Modules, port: number, set: CertSet): Store {
  const configOrAddress = {
    address: `https://localhost:${port}`,
    ...{ username: ROOT?.user, password: ROOT?.password },
    tls: { rootCertPath: set.ca, certChainPath: set.client, privateKeyPath: set.clientKey },
  }
  // embeddings come with the nodes and queries, the store only wants to have a model
  const embedModel = { getTextEmbedding: async (text: string) => embed(text, DIM) }
  return new MilvusVectorStore({ collection: 'llama', embedModel, params: { configOrAddress, ssl: true } })
}

const ask = (word: string): Query => ({ queryEmbedding: embed(word, DIM), similarityTopK: 4, mode: 'default' })

describe('LlamaIndex TS', { skip: skipWithout('@llamaindex/milvus') }, () => {
  it('stores, finds, filters, deletes, and finds again after a restart', async () => {
    using place = temporary()
    const set = await createSet(join(place.path, 'tls'))
    const data = join(place.path, 'data')
    const args = ['--tls', 'mutual', '--tls-dir', set.dir, '--set', 'common.security.authorizationEnabled=true']
    const all = await modules()
    {
      await using served = await startRedkite({ args, data })
      const store = openStore(all, served.port, set)
      try {
        const nodes = texts.map(
          (text, i) =>
            new all.TextNode({
              ...{ id_: `node-${i}`, text, embedding: embed(text, DIM) },
              metadata: { source: i < 2 ? 'birds' : 'ground' },
            }),
        )
        assert.deepEqual(await store.add(nodes), ['node-0', 'node-1', 'node-2', 'node-3'])
        const found = await store.query(ask('hawk'))
        assert.equal(found.ids[0], 'node-1')
        assert.equal(found.ids.length, 4)
        const filters = { filters: [{ key: 'source', value: 'ground', operator: '==' as const }] }
        assert.deepEqual((await store.query({ ...ask('hawk'), filters })).ids.toSorted(), ['node-2', 'node-3'])
        await store.delete('node-1')
        assert.deepEqual((await store.query(ask('hawk'))).ids.toSorted(), ['node-0', 'node-2', 'node-3'])
      } finally {
        await store.client().closeConnection()
      }
    }
    await using served = await startRedkite({ args, data })
    const store = openStore(all, served.port, set)
    try {
      assert.equal((await store.query(ask('river'))).ids[0], 'node-3')
    } finally {
      await store.client().closeConnection()
    }
  })
})
