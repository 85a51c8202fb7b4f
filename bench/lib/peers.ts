/** The servers of `bench peers`, each as a process on a directory of its own: Redkite, Milvus, milvus-lite, Chroma. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { eventually } from '../../test/support/eventually.ts'
import { freePort } from '../../test/support/free-port.ts'
import { realMilvusTool, startRealMilvus } from '../../test/support/real-milvus.ts'
import type { CertSet } from '../../test/support/sets.ts'
import type { Dataset } from '../datasets.ts'
import { chromaHttp, type PeerTarget } from './peer-api.ts'
import type { Target } from './rpc.ts'
import { adminClient, defineCollection, HNSW, sealArguments, startBenchServer } from './servers.ts'

const START_MS_MAX = 60_000

export interface Peer extends AsyncDisposable {
  readonly name: string
  /** What it was given; for the report. */
  readonly configuration: string
  pid(): number
  /** An empty collection of id, vector, label, n. */
  create(data: Dataset, name: string): Promise<PeerTarget>
  drop(name: string): Promise<void>
  /** Everything flushed and in the index. */
  settle(name: string, rows: number): Promise<void>
  /** The target with a wider graph search. */
  widen(target: PeerTarget, ef: number): Promise<PeerTarget>
  /** Ends it and starts it again on the same data; resolves when the process is asked to answer for the first time. */
  restart(): Promise<void>
  /** Once after a restart, where the peer does not serve what it served before by itself. */
  reload(name: string): Promise<void>
}

/** A peer, or why it is left out. */
export type Start = { readonly name: string; readonly skip: string | false; readonly start: () => Promise<Peer> }

export interface PeersInput {
  readonly scratch: string
  readonly set: CertSet
  readonly rows: number
}

export function peerStarts({ scratch, set, rows }: PeersInput): readonly Start[] {
  const lite = process.env['REDKITE_BENCH_MILVUS_LITE_PYTHON'] ?? ''
  const chroma = process.env['REDKITE_BENCH_CHROMA_PYTHON'] ?? ''
  return [
    { name: 'redkite', skip: false, start: () => redkitePeer(join(scratch, 'redkite'), set, rows) },
    { name: 'milvus 2.3.5', skip: realMilvusTool.skip, start: realMilvusPeer },
    {
      ...{ name: 'milvus-lite', start: () => milvusLitePeer(lite, join(scratch, 'milvus-lite')) },
      skip: missing(
        lite,
        'milvus_lite',
        'a Python with milvus-lite==3.2 and pymilvus (REDKITE_BENCH_MILVUS_LITE_PYTHON)',
      ),
    },
    {
      ...{ name: 'chroma', start: () => chromaPeer(chroma, join(scratch, 'chroma')) },
      skip: missing(chroma, 'chromadb', 'a Python with chromadb (REDKITE_BENCH_CHROMA_PYTHON)'),
    },
  ]
}

function missing(python: string, module: string, what: string): string | false {
  if (python !== '' && spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0) return false
  return `${what} is not installed`
}

async function redkitePeer(directory: string, set: CertSet, rows: number): Promise<Peer> {
  const start = (port: number) =>
    startBenchServer('oneWay', set, directory, { args: [...sealArguments(rows), '--port', String(port)] })
  let server = await start(await freePort())
  const { target } = server
  return {
    ...milvusApi(target, null),
    name: 'redkite',
    configuration: `one-way TLS 1.3, logins on, HNSW M 16, efConstruction 200, ef by its own calibration, every insert fsynced`,
    pid: () => server.pid,
    async restart() {
      await server.served.kill('SIGKILL')
      server = await start(target.port)
    },
    reload: async () => {},
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function realMilvusPeer(): Promise<Peer> {
  const milvus = await startRealMilvus({ tlsMode: 0 })
  return {
    ...milvusApi({ port: milvus.port, mode: 'plain', set: null, login: null }, 16),
    name: 'milvus 2.3.5',
    configuration: 'standalone, plaintext, no logins, HNSW M 16, efConstruction 200',
    pid: () => milvus.pid(),
    restart: () => milvus.restart(),
    reload: async () => {},
    [Symbol.asyncDispose]: () => milvus[Symbol.asyncDispose](),
  }
}

async function milvusLitePeer(python: string, directory: string): Promise<Peer> {
  const port = await freePort()
  const program = join(dirname(python), 'milvus-lite')
  const args = ['server', '--data-dir', directory, '--host', '127.0.0.1', '--port', String(port)]
  const process = await child('milvus-lite', program, args, port)
  const api = milvusApi({ port, mode: 'plain', set: null, login: null }, 16)
  return {
    ...api,
    ...process,
    name: 'milvus-lite',
    configuration: '`milvus-lite server`, plaintext, HNSW M 16, efConstruction 200; LoadCollection after its restart',
    reload: api.load,
  }
}

/** What is the same for every server that speaks Milvus' API. */
function milvusApi(server: Target, ef: number | null) {
  const load = async (name: string) => {
    await using client = await adminClient(server)
    const loaded = await client.loadCollectionSync({ collection_name: name })
    if (loaded.error_code !== 'Success') throw new Error(loaded.reason)
  }
  return {
    load,
    async create(data: Dataset, collection: string): Promise<PeerTarget> {
      await using client = await adminClient(server)
      await defineCollection(client, data, collection, ['label', 'n'])
      await load(collection)
      return { api: 'milvus', server, collection, ef }
    },
    async drop(collection: string): Promise<void> {
      await using client = await adminClient(server)
      await client.dropCollection({ collection_name: collection })
    },
    /** Also waits for the rows to be in the index: Milvus reports Finished before it has seen the flushed segments. */
    async settle(collection: string, rows: number): Promise<void> {
      await using client = await adminClient(server)
      await client.flush({ collection_names: [collection], timeout: 600_000 })
      await eventually(async () => {
        const [index] = (await client.describeIndex({ collection_name: collection })).index_descriptions
        return index?.state === 'Finished' && Number(index.indexed_rows) === rows
      }, 600_000)
    },
    async widen(target: PeerTarget, wider: number): Promise<PeerTarget> {
      return target.api === 'milvus' ? { ...target, ef: wider } : target
    },
  }
}

async function chromaPeer(python: string, directory: string): Promise<Peer> {
  const port = await freePort()
  const program = join(dirname(python), 'chroma')
  const args = ['run', '--path', directory, '--host', '127.0.0.1', '--port', String(port)]
  const process = await child('chroma', program, args, port)
  const call = async (path: string, body: unknown, method: 'POST' | 'PUT' | 'DELETE') => {
    using http = chromaHttp(port)
    return (await http.post(path, Buffer.from(JSON.stringify(body)), method)).toString()
  }
  return {
    ...process,
    name: 'chroma',
    configuration:
      '`chroma run`, HTTP API v2 in JSON over kept-alive connections, plaintext, hnsw max_neighbors 16, ef_construction 200',
    async create(data, name) {
      const hnsw = {
        ...{ space: data.metric === 'L2' ? 'l2' : 'cosine' },
        ...{ ef_construction: HNSW.efConstruction, max_neighbors: HNSW.M, ef_search: 64 },
      }
      const made = JSON.parse(await call('', { name, configuration: { hnsw } }, 'POST')) as { id: string }
      return { api: 'chroma', port, collection: made.id }
    },
    drop: async (name) => void (await call(`/${name}`, {}, 'DELETE')),
    settle: async () => {},
    /** A changed width is in force after a restart only. */
    async widen(target, ef) {
      await call(`/${target.collection}`, { new_configuration: { hnsw: { ef_search: ef } } }, 'PUT')
      await process.restart()
      return target
    },
    reload: async () => {},
  }
}

/** A program that listens on a port, ended by SIGTERM, by SIGKILL where that does not help. */
async function child(name: string, program: string, args: readonly string[], port: number) {
  const start = async () => {
    const started = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4_000)
    })
    await eventually(async () => {
      if (started.exitCode !== null) throw new Error(`${name} ended: ${errors}`)
      return await accepts(port)
    }, START_MS_MAX)
    return started
  }
  let served: ChildProcess = await start()
  const end = async () => {
    if (served.exitCode !== null || served.signalCode !== null) return
    const exited = once(served, 'exit')
    const timer = setTimeout(() => served.kill('SIGKILL'), 10_000)
    served.kill('SIGTERM')
    await exited
    clearTimeout(timer)
  }
  return {
    pid: () => served.pid ?? 0,
    async restart() {
      await end()
      served = await start()
    },
    [Symbol.asyncDispose]: end,
  }
}

async function accepts(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
