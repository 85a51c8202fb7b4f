/** Fronts of one Milvus, each ending one-way TLS and passing gRPC on in plaintext: Redkite, nginx, haproxy. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../../test/support/eventually.ts'
import { freePort } from '../../test/support/free-port.ts'
import { startRedkite } from '../../test/support/server.ts'
import type { CertSet } from '../../test/support/sets.ts'
import { connectRpc, type Target } from './rpc.ts'

export interface Front extends AsyncDisposable {
  readonly name: string
  readonly target: Target
  /** Every process of it, workers included. */
  pids(): readonly number[]
}

export interface FrontInput {
  /** A directory of its own. */
  readonly directory: string
  readonly set: CertSet
  /** Plaintext port of the Milvus behind it, on loopback. */
  readonly upstream: number
}

export async function redkiteFront({ directory, set, upstream }: FrontInput): Promise<Front> {
  const args = ['proxy', '--upstream', `http://127.0.0.1:${upstream}`, '--tls', 'one-way', '--tls-dir', set.dir]
  const served = await startRedkite({ args, data: directory })
  return {
    name: 'redkite',
    target: { port: served.port, mode: 'oneWay', set, login: null },
    pids: () => [served.ready.pid],
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}

/** `grpc_pass grpc://host:port`, as nginx documents it first: a connection to the upstream for each call. */
export const nginxFront = (input: FrontInput) => nginx('nginx grpc_pass', input, 0)

/** The same with 64 upstream connections kept alive. */
export const nginxKeepaliveFront = (input: FrontInput) => nginx('nginx, keepalive', input, 64)

async function nginx(name: string, { directory, set, upstream }: FrontInput, keepalive: number): Promise<Front> {
  const port = await freePort()
  const config = `
worker_processes auto;
daemon off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  keepalive_requests 100000000;
  upstream milvus {
    server 127.0.0.1:${upstream};
    ${keepalive > 0 ? `keepalive ${keepalive}; keepalive_requests 100000000;` : ''}
  }
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${set.server};
    ssl_certificate_key ${set.serverKey};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { grpc_pass grpc://milvus; grpc_buffer_size 64k; }
  }
}
`
  const path = join(directory, 'nginx.conf')
  writeFileSync(path, config)
  return await front(name, ['nginx', '-p', directory, '-c', path], port, set)
}

/** TCP mode: TLS ends here, what is inside is passed on as bytes. */
export async function haproxyFront({ directory, set, upstream }: FrontInput): Promise<Front> {
  const port = await freePort()
  const both = join(directory, 'both.pem')
  writeFileSync(both, readFileSync(set.server, 'utf8') + readFileSync(set.serverKey, 'utf8'), { mode: 0o600 })
  const config = `
global
  maxconn 4096
  tune.ssl.default-dh-param 2048
defaults
  mode tcp
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend tls
  bind 127.0.0.1:${port} ssl crt ${both} alpn h2 ssl-min-ver TLSv1.2
  default_backend milvus
backend milvus
  server milvus 127.0.0.1:${upstream}
`
  const path = join(directory, 'haproxy.cfg')
  writeFileSync(path, config)
  return await front('haproxy tcp', ['haproxy', '-db', '-f', path], port, set)
}

/** Null where the program is there. */
export function missing(program: string): string | null {
  return spawnSync(program, ['-v'], { stdio: 'ignore' }).error ? `${program} is not installed` : null
}

async function front(name: string, command: readonly string[], port: number, set: CertSet): Promise<Front> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const target: Target = { port, mode: 'oneWay', set, login: null }
  const end = async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${errors}`)
      return await answers(target)
    })
  } catch (error) {
    await end()
    throw error
  }
  return { name, target, pids: () => family(child), [Symbol.asyncDispose]: end }
}

async function answers(target: Target): Promise<boolean> {
  try {
    const rpc = await connectRpc(target)
    rpc[Symbol.dispose]()
    return true
  } catch {
    return false
  }
}

/** A process and its children: the workers of nginx and haproxy. */
function family(child: ChildProcess): readonly number[] {
  const { pid } = child
  if (pid === undefined) return []
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children]
}
