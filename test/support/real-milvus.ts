/**
 * A real Milvus 2.3.5 (PyPI's `milvus` carries the whole server for Linux x64) as a process: the oracle of how Milvus
 * itself answers. `REDKITE_TEST_MILVUS_PYTHON` names a Python that has the package; else the tests that need it are
 * skipped and say so.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { temporary } from './server.ts'
import { run, type Tool } from './tools.ts'

const START_MS_MAX = 90_000

const path = process.env['REDKITE_TEST_MILVUS_PYTHON'] ?? ''
const present = path !== '' && spawnSync(path, ['-c', 'import milvus'], { stdio: 'ignore' }).status === 0
export const realMilvusTool: Tool = {
  path,
  skip: present ? false : 'a Python with milvus==2.3.5 (REDKITE_TEST_MILVUS_PYTHON) is not installed',
}

const SETUP = `
import json, sys
from milvus import MilvusServer, _initialize_data_files
base, extra = sys.argv[1], json.loads(sys.argv[2])
server = MilvusServer(debug=False)
server.config.configs.update(data_dir=base, **extra)
for key, value in extra.items():
    server.config.set(key, value)
server.config.resolve()
_initialize_data_files(base)
metrics, sock = server.config.resolve_port(29091)
sock.close()
print(json.dumps({'exe': server.get_milvus_executable_path(), 'port': server.config.get('proxy_port'), 'metrics': metrics}))
`

export interface RealMilvus extends AsyncDisposable {
  readonly port: number
  /** Of the process that serves now. */
  pid(): number
  /** SIGKILL, and a new process on the same data; resolves once it is healthy. */
  restart(): Promise<void>
  readonly output: () => string
}

export interface RealMilvusOptions {
  readonly tlsMode: 0 | 1 | 2
  readonly serverPem?: string
  readonly serverKey?: string
  readonly caPem?: string
}

export async function startRealMilvus(options: RealMilvusOptions): Promise<RealMilvus> {
  const base = temporary()
  const extra: Record<string, unknown> = { tls_mode: options.tlsMode }
  if (options.serverPem) extra['server_pem_path'] = options.serverPem
  if (options.serverKey) extra['server_key_path'] = options.serverKey
  if (options.caPem) extra['ca_pem_path'] = options.caPem
  const setup = await run(path, ['-', base.path, JSON.stringify(extra)], { input: SETUP })
  if (setup.exitCode !== 0) throw new Error(`cannot unpack Milvus: ${setup.stderr}`)
  const { exe, port, metrics } = JSON.parse(setup.stdout) as { exe: string; port: number; metrics: number }
  for (const folder of ['logs', 'run']) mkdirSync(join(base.path, folder), { recursive: true })
  let output = ''
  const keep = (text: string) => {
    output = (output + text).slice(-200_000)
  }
  let served = spawnMilvus(exe, base.path, metrics, keep)
  // SIGTERM takes it up to minutes; SIGKILL costs it no data
  const end = async () => {
    served.child.kill('SIGKILL')
    await served.exited
  }
  const dispose = async () => {
    await end()
    base[Symbol.dispose]()
  }
  const untilHealthy = async () => {
    const deadline = Date.now() + START_MS_MAX
    while (!(await isHealthy(metrics))) {
      if (served.child.exitCode !== null || Date.now() > deadline) {
        await dispose()
        throw new Error(`Milvus did not start: ${output.slice(-2_000)}`)
      }
      await wait(100)
    }
  }
  await untilHealthy()
  return {
    port,
    pid: () => served.child.pid ?? 0,
    async restart() {
      await end()
      served = spawnMilvus(exe, base.path, metrics, keep)
      await untilHealthy()
    },
    output: () => output,
    [Symbol.asyncDispose]: dispose,
  }
}

function spawnMilvus(exe: string, base: string, metrics: number, keep: (text: string) => void) {
  const child = spawn(exe, ['run', 'standalone'], {
    cwd: base,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DEPLOY_MODE: 'STANDALONE',
      METRICS_PORT: String(metrics),
      MILVUSCONF: join(base, 'configs'),
      MILVUS_RUN_DIR: join(base, 'run'),
      LD_LIBRARY_PATH: dirname(exe),
    },
  })
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  return { child, exited: once(child, 'exit') }
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).status === 200
  } catch {
    return false
  }
}
