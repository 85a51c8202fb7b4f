/** LangChain JS' Milvus store, unchanged, over mutual TLS with a login: add, search with and without filter, delete. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ROOT } from '../support/clients.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { embed, importFramework, skipWithout, texts } from './frameworks/frameworks.ts'

const DIM = 8
const COLLECTION = 'langchain_docs'

interface Found {
  readonly pageContent: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** As much of the store as this test calls. */
interface Store {
  addDocuments(documents: readonly Found[], options?: { readonly ids: readonly string[] }): Promise<void>
  similaritySearch(query: string, k: number, filter?: string): Promise<readonly Found[]>
  similaritySearchWithScore(query: string, k: number): Promise<readonly (readonly [Found, number])[]>
  delete(what: { readonly filter?: string; readonly ids?: readonly string[] }): Promise<void>
  readonly client: { closeConnection(): Promise<unknown> }
}

const embeddings = {
  embedDocuments: async (documents: readonly string[]) => documents.map((text) => embed(text, DIM)),
  embedQuery: async (text: string) => embed(text, DIM),
}

async function openStore(port: number, set: CertSet): Promise<Store> {
  const { Milvus } = (await importFramework('@langchain/community/vectorstores/milvus')) as {
    readonly Milvus: new (of: typeof embeddings, options: object) => Store
  }
  return new Milvus(embeddings, {
    ...{ collectionName: COLLECTION, textFieldMaxLength: 512, ssl: true },
    clientConfig: {
      address: `https://localhost:${port}`,
      ...{ username: ROOT?.user, password: ROOT?.password },
      tls: { rootCertPath: set.ca, certChainPath: set.client, privateKeyPath: set.clientKey },
    },
  })
}

describe('LangChain JS', { skip: skipWithout('@langchain/community') }, () => {
  it('stores, finds, filters, deletes, and finds again after a restart', async () => {
    using place = temporary()
    const set = await createSet(join(place.path, 'tls'))
    const data = join(place.path, 'data')
    const args = ['--tls', 'mutual', '--tls-dir', set.dir, '--set', 'common.security.authorizationEnabled=true']
    {
      await using served = await startRedkite({ args, data })
      const store = await openStore(served.port, set)
      try {
        await store.addDocuments(
          texts.map((pageContent, page) => ({
            pageContent,
            metadata: { page, source: page < 2 ? 'birds' : 'ground' },
          })),
        )
        const [[nearest, score] = []] = await store.similaritySearchWithScore('hawk', 1)
        assert.deepEqual([nearest?.pageContent, score], [texts[1], 0])
        assert.deepEqual(
          (await store.similaritySearch('hawk', 4)).map(({ pageContent }) => pageContent).toSorted(),
          texts.toSorted(),
        )
        const filtered = await store.similaritySearch('hawk', 4, 'source == "ground"')
        assert.deepEqual(filtered.map(({ metadata }) => metadata['page']).toSorted(), [2, 3])
        await store.delete({ filter: 'page == 1' })
        assert.ok(!(await store.similaritySearch('hawk', 4)).some(({ pageContent }) => pageContent === texts[1]))
      } finally {
        await store.client.closeConnection()
      }
    }
    await using served = await startRedkite({ args, data })
    const store = await openStore(served.port, set)
    try {
      const found = await store.similaritySearch('kite', 4)
      assert.equal(found[0]?.pageContent, texts[0])
      assert.equal(found.length, 3)
    } finally {
      await store.client.closeConnection()
    }
  })
})
