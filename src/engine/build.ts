/** Building and checking segments from the server's side: one build at a time, each in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { BuildPlan, BuildReply, BuildRequest } from './build-process.ts'
import type { Folder } from './check-worker.ts'
import type { VectorSource } from './contract.ts'
import type { SegmentMarker } from './segment-files.ts'

/** A message to the build process: bounds memory, and the time its serialisation holds the event loop (about 1 ms). */
const CHUNK_BYTES = 1 << 20
const CHUNK_ROWS_MAX = 2_000
const STDERR_CHARS = 2_000

/** Rows of this dimension that one read or message may carry. */
export const chunkRows = (dim: number): number =>
  Math.max(1, Math.min(CHUNK_ROWS_MAX, Math.floor(CHUNK_BYTES / (dim * 4))))

const beside = (name: string): URL => new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)

class BuildProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #stderr = ''
  #ended: string | null = null
  #waiting: { readonly resolve: (reply: BuildReply) => void; readonly reject: (error: Error) => void } | null = null

  constructor(background: boolean) {
    const child = fork(fileURLToPath(beside('build-process')), {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    child.stderr?.on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS)
    })
    child.on('message', (reply: BuildReply) => {
      const waiting = this.#waiting
      this.#waiting = null
      waiting?.resolve(reply)
    })
    this.#exited = new Promise((resolve) => {
      const ended = (how: string) => {
        this.#ended ??= `the build process ended: ${how}${this.#stderr === '' ? '' : `; ${this.#stderr.trim()}`}`
        this.#waiting?.reject(new Error(this.#ended))
        this.#waiting = null
        resolve()
      }
      child.on('error', (error) => ended(error.message))
      child.on('exit', (code, signal) => ended(signal ?? `code ${code}`))
    })
    if (background) child.on('spawn', () => lowerPriority(child.pid))
  }

  async call(request: BuildRequest): Promise<SegmentMarker | null> {
    const reply = await new Promise<BuildReply>((resolve, reject) => {
      if (this.#ended !== null) return reject(new Error(this.#ended))
      this.#waiting = { resolve, reject }
      this.#child.send(request, (error) => {
        if (!error) return
        // The pipe says only that nobody reads it; how the process ended says why.
        this.kill()
        void this.#exited.then(() => reject(new Error(this.#ended ?? error.message)))
      })
    })
    if (reply.kind === 'failed') throw new Error(reply.reason)
    return reply.marker
  }

  /** Ends it at once, whatever native code is running, and wakes a pending call. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose]() {
    this.kill()
    await this.#exited
  }
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Already gone, or not allowed here: the build then runs at the server's own priority.
  }
}

/**
 * Builds, verifies and marks the segment of the live rows in (after, upTo]; null when there are none. A background
 * build, which nobody waits for, runs at a lower priority.
 * @throws Error when the build or its verification fails, or the signal aborts; the folder is then worthless.
 */
export async function buildSegment(
  plan: BuildPlan,
  source: VectorSource,
  signal: AbortSignal,
  background: boolean,
): Promise<SegmentMarker | null> {
  let next = await source.read(plan.after, plan.upTo, chunkRows(plan.spec.dim))
  if (next.rids.length === 0) return null
  signal.throwIfAborted()
  await using child = new BuildProcess(background)
  const abort = () => child.kill()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await child.call({ kind: 'begin', plan })
    for (let last = next.rids.at(-1); last !== undefined; last = next.rids.at(-1)) {
      await child.call({ kind: 'rows', rids: next.rids, vectors: next.vectors, scalars: next.scalars })
      signal.throwIfAborted()
      if (last >= plan.upTo) break
      next = await source.read(last, plan.upTo, chunkRows(plan.spec.dim))
    }
    return await child.call({ kind: 'finish' })
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** For each folder null when its files are as its marker records, else what differs. */
export async function checkSegments(folders: readonly Folder[]): Promise<readonly (string | null)[]> {
  if (folders.length === 0) return []
  const worker = new Worker(beside('check-worker'), { workerData: folders })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`segment check ended with code ${code}`)))
  })
}

let turn: Promise<void> = Promise.resolve()

/** One build at a time in this process: each takes every core and the memory of a whole segment. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const before = turn
  const { promise, resolve } = Promise.withResolvers<void>()
  turn = promise
  await before
  try {
    return await work()
  } finally {
    resolve()
  }
}
