/** Starts the built server as a process and waits until it says that it answers. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const START_MS_MAX = 30_000

/** What the ready file says. */
export interface Ready {
  readonly pid: number
  readonly grpc: string
  readonly rest: string
  readonly metrics: string | null
  readonly tls: { readonly mode: string; readonly ca: string | null }
  readonly data: string
  /** The port for a proxy before this node; null without internal TLS. */
  readonly internal: string | null
  /** What a proxy stands before; null for a node. */
  readonly upstream: string | null
}

export interface Served extends AsyncDisposable {
  readonly ready: Ready
  readonly process: ChildProcess
  /** Port of gRPC, and of REST. */
  readonly port: number
  readonly restPort: number
  /** Everything it has written so far. */
  log(): string
  stdout(): string
  /** Polls until the log matches; the answer is the match. */
  logged(pattern: RegExp): Promise<RegExpExecArray>
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
  kill(signal: NodeJS.Signals): Promise<void>
}

export interface StartOptions {
  readonly args?: readonly string[]
  readonly data?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Runs the server as this user; only root may. */
  readonly uid?: number
}

/** A directory for one test, removed with it. */
export function temporary(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'redkite-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export async function startRedkite(options: StartOptions = {}): Promise<Served> {
  const own = options.data === undefined ? temporary() : null
  const data = options.data ?? join(own?.path ?? '', 'data')
  const scratch = temporary()
  const readyFile = join(scratch.path, 'ready.json')
  const args = ['run', '--data', data, '--port', '0', '--metrics-port', '0', '--ready-file', readyFile]
  if (options.uid !== undefined) {
    for (const path of [scratch.path, own?.path]) if (path !== undefined) chownSync(path, options.uid, -1)
  }
  const child = spawn(process.execPath, [main, ...args, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd ?? scratch.path,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    env: { ...cleanEnvironment(), ...options.env },
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const cleanUp = () => {
    scratch[Symbol.dispose]()
    own?.[Symbol.dispose]()
  }
  const deadline = Date.now() + START_MS_MAX
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      cleanUp()
      throw new StartFailed(child.exitCode, out, err)
    }
    await wait(10)
  }
  const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as Ready
  const exited = once(child, 'exit')
  return {
    ready,
    process: child,
    port: Number(new URL(ready.grpc).port),
    restPort: Number(new URL(ready.rest).port),
    log: () => err,
    stdout: () => out,
    async logged(pattern) {
      const until = Date.now() + 10_000
      for (;;) {
        const match = pattern.exec(err)
        if (match) return match
        if (Date.now() > until) throw new Error(`not in the log: ${pattern}\n${err}`)
        await wait(10)
      }
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
    async kill(signal) {
      child.kill(signal)
      await exited
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
        await exited
        clearTimeout(timer)
      }
      cleanUp()
    },
  }
}

/** The start ended instead of serving. */
export class StartFailed extends Error {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  constructor(exitCode: number | null, stdout: string, stderr: string) {
    super(`the server ended with ${exitCode}: ${stderr}`)
    this.exitCode = exitCode
    this.stdout = stdout
    this.stderr = stderr
  }
}

/** A user that may read the built server and is not root; the reason to skip where there is none. */
export function otherUser(): { readonly uid: number; readonly skip: string | false } {
  const uid = 65_534
  if (process.getuid?.() !== 0) return { uid, skip: 'only root can start the server as another user' }
  const probe = spawnSync(process.execPath, ['-e', `require('node:fs').accessSync(${JSON.stringify(main)})`], { uid })
  return { uid, skip: probe.status === 0 ? false : 'another user may not read this checkout' }
}

/** Starts where a refusal is expected; gives the failure. */
export async function refusedStart(options: StartOptions): Promise<StartFailed> {
  try {
    await using served = await startRedkite(options)
    throw new Error(`the server started: ${JSON.stringify(served.ready)}`)
  } catch (thrown) {
    if (thrown instanceof StartFailed) return thrown
    throw thrown
  }
}

/** Nothing of the machine's own configuration may reach a test's server. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, SystemRoot, TEMP, LANG } = process.env
  return { PATH, HOME, TMPDIR, SystemRoot, TEMP, LANG }
}

/** Runs the built command to its end. */
export async function redkite(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...cleanEnvironment(), ...options.env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await once(child, 'close')
  return { exitCode: child.exitCode, stdout, stderr }
}
