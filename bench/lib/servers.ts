/** Servers of a bench: the built command as a process, with certificates of `redkite certs create` and logins on. */
import { join } from 'node:path'
import type { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { nodeClient, ROOT, type Show } from '../../test/support/clients.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type Served, type StartOptions, startRedkite } from '../../test/support/server.ts'
import type { CertSet } from '../../test/support/sets.ts'
import type { Dataset } from '../datasets.ts'
import type { LoadClient } from './load-client.ts'
import { COLLECTION } from './messages.ts'
import type { Mode, Target } from './rpc.ts'

const TLS_FLAGS = { plain: 'off', oneWay: 'one-way', mutual: 'mutual' } as const satisfies Record<Mode, string>
export const LOGIN = 'root:Milvus'
const BATCH = 1_000
const INDEX_MS_MAX = 600_000

export interface BenchServer extends AsyncDisposable {
  readonly served: Served
  readonly target: Target
  readonly pid: number
}

/** The command line of a server of this mode; logins are on in each, so that only TLS differs. */
export function serverArguments(mode: Mode, set: CertSet): readonly string[] {
  const files = mode === 'plain' ? [] : ['--tls-dir', set.dir]
  return ['--tls', TLS_FLAGS[mode], ...files, '--set', 'common.security.authorizationEnabled=true']
}

export async function startBenchServer(
  mode: Mode,
  set: CertSet,
  data: string,
  more: StartOptions = {},
): Promise<BenchServer> {
  const args = [...serverArguments(mode, set), ...(more.args ?? [])]
  const served = await startRedkite({ ...more, args, data })
  return {
    served,
    target: { port: served.port, mode, set, login: LOGIN },
    pid: served.ready.pid,
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}

/** The server's own bound of unsealed rows, `redkite.engine.sealRows`. */
const SEAL_ROWS = 16_384

/** What a filled server is started with, so that a short run (`--rows`) searches a sealed segment too. */
export function sealArguments(rows: number): readonly string[] {
  return ['--set', `redkite.engine.sealRows=${Math.min(SEAL_ROWS, Math.ceil(rows / 3))}`]
}

/** A Node SDK client, for what is not measured: creating, flushing, asking for the index' state. */
export async function adminClient({ port, mode, set }: Target) {
  const show: Show = mode === 'plain' || !set ? { kind: 'plain' } : { kind: mode, set }
  const client = nodeClient(port, show, ROOT)
  await client.connectPromise
  return Object.assign(client, { [Symbol.asyncDispose]: async () => void (await client.closeConnection()) })
}

export const HNSW = { M: 16, efConstruction: 200 } as const

/** An empty collection, not loaded: id, vector, Int64 fields; an HNSW index. */
export async function defineCollection(
  client: MilvusClient,
  data: Dataset,
  collection: string,
  integers: readonly string[],
): Promise<void> {
  const made = await client.createCollection({
    collection_name: collection,
    fields: [
      { name: 'id', data_type: 'Int64', is_primary_key: true },
      { name: 'vector', data_type: 'FloatVector', dim: data.dim },
      ...integers.map((name) => ({ name, data_type: 'Int64' as const })),
    ],
    index_params: [{ field_name: 'vector', index_type: 'HNSW', metric_type: data.metric, params: HNSW }],
  })
  if (made.error_code !== 'Success') throw new Error(made.reason)
}

/** An empty collection: id, vector, label; an HNSW index with M 16, efConstruction 200; loaded. */
export async function createCollection(target: Target, data: Dataset, collection = COLLECTION): Promise<void> {
  await using client = await adminClient(target)
  await defineCollection(client, data, collection, ['label'])
  const index = await client.loadCollection({ collection_name: collection })
  if (index.error_code !== 'Success') throw new Error(index.reason)
}

/** Milliseconds until everything is flushed and served from the index. */
export async function untilIndexed(target: Target, rows: number, collection = COLLECTION): Promise<number> {
  await using client = await adminClient(target)
  const started = performance.now()
  await client.flush({ collection_names: [collection], timeout: INDEX_MS_MAX })
  await eventually(async () => {
    const [index] = (await client.describeIndex({ collection_name: collection })).index_descriptions
    if (index?.index_state_fail_reason) throw new Error(index.index_state_fail_reason)
    return index?.state === 'Finished' && Number(index.indexed_rows) === rows && Number(index.pending_index_rows) === 0
  }, INDEX_MS_MAX)
  return performance.now() - started
}

/** The whole data set, loaded and indexed. The load process has the same data. */
export async function fill(target: Target, data: Dataset, load: LoadClient): Promise<void> {
  await createCollection(target, data)
  const job = { kind: 'insert', client: 'raw', target, collection: COLLECTION, inFlight: 2, batch: BATCH } as const
  await load.run({ ...job, from: 0, to: data.rowCount })
  await untilIndexed(target, data.rowCount)
}

/** Where a data directory keeps the index of the only vector field of its only collection. */
export async function indexDirectory(data: string): Promise<string> {
  const { glob } = await import('node:fs/promises')
  for await (const path of glob('collections/*/index/*', { cwd: data })) return join(data, path)
  throw new Error(`no index in ${data}`)
}
