/** One client for all peers of `bench peers`: bodies encoded beforehand, over gRPC (Milvus' API) or HTTP (Chroma's). */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { ConsistencyLevel } from '../../src/gen/common_pb.js'
import type { Dataset } from '../datasets.ts'
import { filterLabel } from './data.ts'
import { checkInserted, insertFrame, SERVICE, searchFrame, searchIds, TOP_K } from './messages.ts'
import { connectRpc, type Target } from './rpc.ts'

/** Which rows a search may find. The shares are of a number that has nothing to do with the vectors. */
export const selections = ['all', '0.1 %', '1 %', '10 %', '50 %', '99 %', 'correlated'] as const
export type Selection = (typeof selections)[number]

/** `n < limit` lets this share of the rows pass. */
const LIMITS: Readonly<Partial<Record<Selection, number>>> = {
  '0.1 %': 1,
  '1 %': 10,
  '10 %': 100,
  '50 %': 500,
  '99 %': 990,
}
const SPREAD = 7_919

/** A row's number 0..999: each a thousandth of the rows, in no order. */
export const numberOf = (row: number): number => (row * SPREAD) % 1_000

export const labelOf = (data: Dataset, row: number): number => data.labels?.[row] ?? row % 10

/** Whether a row passes, by what the filters below say. */
export function passes(data: Dataset, query: number, selection: Selection): (row: number) => boolean {
  if (selection === 'all') return () => true
  const limit = LIMITS[selection]
  if (limit !== undefined) return (row) => numberOf(row) < limit
  const label = filterLabel(data, query, 'other')
  return (row) => labelOf(data, row) === label
}

/** Plain data, so that it can be sent to the load process. */
export type PeerTarget =
  | {
      readonly api: 'milvus'
      readonly server: Target
      readonly collection: string
      /** Width of the graph search; null = the server chooses. */
      readonly ef: number | null
    }
  | { readonly api: 'chroma'; readonly port: number /** Id of the collection. */; readonly collection: string }

export interface PeerSearch {
  readonly query: number
  readonly selection: Selection
  readonly consistency: 'Strong' | 'Bounded'
}

/** Bodies are made outside of the measured time, answers read outside of it. */
export interface PeerClient extends Disposable {
  insertBody(data: Dataset, from: number, to: number): Buffer
  /** @throws Error unless all `rows` were taken */
  insert(body: Buffer, rows: number): Promise<void>
  searchBody(data: Dataset, search: PeerSearch): Buffer
  search(body: Buffer): Promise<Buffer>
  /** Row numbers of the hits. */
  found(answer: Buffer): Float64Array
}

export async function connectPeer(target: PeerTarget): Promise<PeerClient> {
  return target.api === 'chroma' ? connectChroma(target) : await connectMilvus(target)
}

async function connectMilvus({ server, collection, ef }: PeerTarget & { api: 'milvus' }): Promise<PeerClient> {
  const rpc = await connectRpc(server)
  return {
    insertBody: (data, from, to) => insertFrame(data, from, to, collection, { n: numberOf }),
    insert: async (body, rows) => checkInserted(await rpc.call(`${SERVICE}Insert`, body), rows),
    searchBody: (data, { query, selection, consistency }) =>
      searchFrame(data, query, {
        ...{ collection, outputFields: [], consistency: ConsistencyLevel[consistency] },
        ...(ef === null ? {} : { params: JSON.stringify({ ef }) }),
        filter: (q) => milvusFilter(data, q, selection),
      }),
    search: (body) => rpc.call(`${SERVICE}Search`, body),
    found: searchIds,
    [Symbol.dispose]: () => rpc[Symbol.dispose](),
  }
}

function milvusFilter(data: Dataset, query: number, selection: Selection): string {
  if (selection === 'all') return ''
  const limit = LIMITS[selection]
  return limit === undefined ? `label == ${filterLabel(data, query, 'other')}` : `n < ${limit}`
}

function connectChroma({ port, collection }: PeerTarget & { api: 'chroma' }): PeerClient {
  const http = chromaHttp(port)
  return {
    insertBody(data, from, to) {
      const rows = Array.from({ length: to - from }, (_, i) => from + i)
      return json({
        ids: rows.map(String),
        embeddings: rows.map((row) => Array.from(data.vectors.subarray(row * data.dim, (row + 1) * data.dim))),
        metadatas: rows.map((row) => ({ label: labelOf(data, row), n: numberOf(row) })),
      })
    },
    insert: async (body) => void (await http.post(`/${collection}/add`, body)),
    searchBody: (data, { query, selection }) =>
      json({
        query_embeddings: [Array.from(data.queries.subarray(query * data.dim, (query + 1) * data.dim))],
        ...{ n_results: TOP_K, include: ['distances'] },
        ...(selection === 'all' ? {} : { where: chromaFilter(data, query, selection) }),
      }),
    search: (body) => http.post(`/${collection}/query`, body),
    found: (answer) => Float64Array.from((JSON.parse(answer.toString()) as { ids: string[][] }).ids[0] ?? [], Number),
    [Symbol.dispose]: () => http[Symbol.dispose](),
  }
}

function chromaFilter(data: Dataset, query: number, selection: Selection): object {
  const limit = LIMITS[selection]
  return limit === undefined ? { label: { $eq: filterLabel(data, query, 'other') } } : { n: { $lt: limit } }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

export interface ChromaHttp extends Disposable {
  /** A path below the collections of the default tenant and database. */
  post(path: string, body: Buffer, method?: 'POST' | 'PUT' | 'DELETE'): Promise<Buffer>
}

/** Kept-alive connections, as many as calls are in flight. */
export function chromaHttp(port: number): ChromaHttp {
  const agent = new Agent({ keepAlive: true })
  const base = '/api/v2/tenants/default_tenant/databases/default_database/collections'
  return {
    async post(path, body, method = 'POST') {
      const headers = { 'content-type': 'application/json', 'content-length': body.byteLength }
      const call = request({ host: '127.0.0.1', port, agent, method, path: base + path, headers })
      call.end(body)
      const [answer] = (await once(call, 'response')) as [IncomingMessage]
      const pieces: Buffer[] = []
      for await (const piece of answer) pieces.push(piece as Buffer)
      const text = Buffer.concat(pieces)
      if ((answer.statusCode ?? 500) >= 300)
        throw new Error(`Chroma: ${answer.statusCode} ${text.toString().slice(0, 200)}`)
      return text
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}
