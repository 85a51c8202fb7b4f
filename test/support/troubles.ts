/** The faults of docs/guide/troubleshooting.md, made for real: each gives what the client or the command then shows. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curlTo, nodeConnects, ROOT, type Show, withPymilvus } from './clients.ts'
import { redkite, type Served, startRedkite, temporary } from './server.ts'
import { type CertSet, createSet } from './sets.ts'
import { curl, run } from './tools.ts'

const LIST = '/v2/vectordb/collections/list'
const PEM_END = '-----END CERTIFICATE-----\n'

/** Servers of every kind that a fault needs. */
export interface Bench extends AsyncDisposable {
  readonly set: CertSet
  /** Another CA's. */
  readonly other: CertSet
  readonly plain: Served
  readonly plainData: string
  readonly oneWay: Served
  readonly mutual: Served
  /** Sends its own certificate without the CA's. */
  readonly leafOnly: Served
}

export async function openBench(): Promise<Bench> {
  const place = temporary()
  const stack = new AsyncDisposableStack()
  stack.defer(() => place[Symbol.dispose]())
  const set = await createSet(join(place.path, 'set'))
  const other = await createSet(join(place.path, 'other'))
  const leaf = join(place.path, 'leaf')
  cpSync(set.dir, leaf, { recursive: true })
  const [own = ''] = readFileSync(set.server, 'utf8').split(PEM_END)
  writeFileSync(join(leaf, 'server.pem'), own + PEM_END)
  const plainData = join(place.path, 'plain')
  const local = ['--host', '127.0.0.1']
  const auth = ['--set', 'common.security.authorizationEnabled=true']
  const start = async (args: readonly string[], data?: string) =>
    stack.use(await startRedkite({ args, ...(data === undefined ? {} : { data }) }))
  return {
    ...{ set, other, plainData },
    plain: await start(['--tls', 'off', ...local], plainData),
    oneWay: await start(['--tls', 'one-way', '--tls-dir', set.dir]),
    mutual: await start(['--tls', 'mutual', '--tls-dir', set.dir, ...auth]),
    leafOnly: await start(['--tls', 'one-way', '--tls-dir', leaf]),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type Fault = (bench: Bench) => Promise<string>
const oneWayBy = (set: CertSet): Show => ({ kind: 'oneWay', set })
const mutualBy = (set: CertSet): Show => ({ kind: 'mutual', set })

async function curls(port: number, scheme: 'http' | 'https', host: string, more: readonly string[] = []) {
  const ran = await run(curl.path, [
    '-sS',
    '--max-time',
    '10',
    '-d',
    '{}',
    ...more,
    `${scheme}://${host}:${port}${LIST}`,
  ])
  return ran.stdout + ran.stderr
}

/** A program with `client` at hand, over one-way TLS; a collection `c` of id and v is there, dimension 3. */
const python =
  (body: string): Fault =>
  async ({ oneWay, set }) => {
    const schema = `
if client.has_collection("c"): client.drop_collection("c")
schema = client.create_schema()
schema.add_field("id", DataType.INT64, is_primary=True)
schema.add_field("v", DataType.FLOAT_VECTOR, dim=3)
client.create_collection("c", schema=schema)
`
    const ran = await withPymilvus(oneWay.port, oneWayBy(set), null, `${schema}${body}`)
    return ran.stdout + ran.stderr
  }

/** The same with an index and loaded. */
const loaded = (body: string): Fault =>
  python(`
index = client.prepare_index_params()
index.add_index("v", index_type="HNSW", metric_type="L2", params={"M": 8, "efConstruction": 64})
client.create_index("c", index)
client.load_collection("c")
${body}`)

async function starts(args: readonly string[]): Promise<string> {
  const ran = await redkite(['run', '--metrics-port', '0', ...args])
  return ran.stdout + ran.stderr
}

/** What the guide's text stands for, by that text and by who shows it. */
export const faults: Readonly<Record<string, Readonly<Record<string, Fault>>>> = {
  'Fail connecting to server on': {
    pymilvus: async ({ oneWay }) => (await withPymilvus(oneWay.port, { kind: 'plain' }, null, '')).stderr,
  },
  '14 UNAVAILABLE: No connection established': {
    'Node SDK': ({ oneWay, other }) => nodeConnects(oneWay.port, oneWayBy(other)),
  },
  ECONNREFUSED: { 'Node SDK': () => nodeConnects(1, { kind: 'plain' }) },
  '7 PERMISSION_DENIED: Protocol not secure enough': {
    'Node SDK': ({ oneWay }) => nodeConnects(oneWay.port, { kind: 'plain' }),
  },
  'Client sent an HTTP request to an HTTPS server.': { curl: ({ oneWay }) => curls(oneWay.port, 'http', 'localhost') },
  'Client network socket disconnected before secure TLS connection was established': {
    'Node SDK': ({ plain, set }) => nodeConnects(plain.port, oneWayBy(set)),
  },
  'wrong version number': {
    curl: ({ plain }) => curls(Number(new URL(plain.ready.metrics ?? '').port), 'https', '127.0.0.1'),
  },
  'self-signed certificate in certificate chain': {
    'Node SDK': ({ oneWay, other }) => nodeConnects(oneWay.port, oneWayBy(other)),
    curl: ({ oneWay }) => curls(oneWay.port, 'https', 'localhost'),
  },
  'unable to verify the first certificate': {
    'Node SDK': ({ leafOnly, other }) => nodeConnects(leafOnly.port, oneWayBy(other)),
  },
  "Hostname/IP does not match certificate's altnames": {
    'Node SDK': ({ oneWay, set }) => wrongName(oneWay.port, set),
  },
  'no alternative certificate subject name matches target host name': {
    curl: ({ oneWay, set }) => curls(oneWay.port, 'https', '127.0.0.2', ['--cacert', set.ca]),
  },
  'alert certificate required': {
    'Node SDK': ({ mutual, set }) => nodeConnects(mutual.port, oneWayBy(set), ROOT),
  },
  '404 page not found': {
    curl: async ({ oneWay, set }) =>
      (await curlTo(`https://localhost:${oneWay.port}/milvus.proto.milvus.MilvusService/GetVersion`, oneWayBy(set)))
        .stdout,
  },
  'auth check failure, please check username and password are correct': {
    'Node SDK': ({ mutual, set }) => nodeConnects(mutual.port, mutualBy(set), { user: 'root', password: 'wrong1' }),
  },
  'missing authorization in header': { 'Node SDK': ({ mutual, set }) => nodeConnects(mutual.port, mutualBy(set)) },
  "user hasn't authenticated": {
    curl: async ({ mutual, set }) => {
      const { stdout } = await curlTo(`https://localhost:${mutual.port}${LIST}`, mutualBy(set), null, '{}')
      return stdout
    },
  },
  'invalid password length': { pymilvus: python('client.create_user("ida", "x")') },
  'collection not loaded': { pymilvus: python('client.search("c", data=[[1.0, 0.0, 0.0]], limit=1)') },
  'please create index firstly: index not found': { pymilvus: python('client.load_collection("c")') },
  'collection not found': { pymilvus: python('client.query("nope", filter="id > 0")') },
  'database not found': { pymilvus: python('client.using_database("nope")') },
  'vector dimension mismatch': { pymilvus: loaded('client.search("c", data=[[1.0, 0.0]], limit=1)') },
  'is not equal to schema dim': { pymilvus: python('client.insert("c", [{"id": 1, "v": [1.0, 2.0]}])') },
  'metric type not match': {
    pymilvus: loaded('client.search("c", data=[[1.0, 0.0, 0.0]], limit=1, search_params={"metric_type": "IP"})'),
  },
  'cannot parse expression': { pymilvus: loaded('client.query("c", filter="id ==")') },
  'not exist: invalid parameter': { pymilvus: loaded('client.query("c", filter="colour == 3")') },
  'without enabling dynamic field': {
    pymilvus: python('client.insert("c", [{"id": 1, "v": [1.0, 2.0, 3.0], "colour": 3}])'),
  },
  'it should be in range [1, 16384]': {
    pymilvus: loaded('client.search("c", data=[[1.0, 0.0, 0.0]], limit=20000)'),
  },
  'is in use by another process': {
    'redkite run': ({ plain, plainData }) =>
      starts(['--tls', 'off', '--host', '127.0.0.1', '--data', `${plainData}-2`, '--port', String(plain.port)]),
  },
  'is in use by process': {
    'redkite run': ({ plainData }) =>
      starts(['--tls', 'off', '--host', '127.0.0.1', '--data', plainData, '--port', '0']),
  },
  'no certificate there': {
    'redkite run': ({ plainData }) =>
      starts(['--tls', 'one-way', '--tls-dir', `${plainData}-none`, '--data', `${plainData}-2`, '--port', '0']),
  },
}

/** By an address of loopback that the certificate does not carry. */
async function wrongName(port: number, set: CertSet): Promise<string> {
  const { MilvusClient } = await import('@zilliz/milvus2-sdk-node')
  const address = `https://127.0.0.2:${port}`
  const client = new MilvusClient({ address, timeout: 10_000, maxRetries: 0, tls: { rootCertPath: set.ca } })
  try {
    await client.connectPromise
    return (await client.getVersion()).version
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } finally {
    await client.closeConnection()
  }
}
