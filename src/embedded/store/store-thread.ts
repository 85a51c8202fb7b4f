import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { faultText } from '../../errors/error.ts'
import { errorTable } from '../../errors/table.ts'
import type { CallTable, Replies, Request } from './messages.ts'
import type { WireError } from './sqlite-error.ts'

/** An answer of a thread that is an error; the row store turns it into one for its caller. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError'
  readonly wire: WireError
  constructor(wire: WireError) {
    super(wire.message)
    this.wire = wire
  }
}

export type StartThread = (url: URL) => Worker

export interface StoreThreadOptions {
  /** File name beside this one, without its extension. */
  readonly script: string
  readonly start?: StartThread | undefined
  readonly onCommit?: (milliseconds: number) => void
  /** The thread ended by itself; its calls have been rejected and the next call starts a new one. */
  readonly onCrash: (reason: string) => void
}

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * The near side of one worker thread: calls with numbered answers. Starts with the first call. When the thread dies,
 * every call in flight is rejected with a retriable error (a write among them may or may not be stored: nothing was
 * acknowledged), and the next call starts a new thread, with a new `generation`.
 */
export class StoreThread<T extends CallTable<T>> {
  readonly #options: StoreThreadOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | null = null
  #lastId = 0
  #generation = 0
  #closed = false

  constructor(options: StoreThreadOptions) {
    this.#options = options
  }

  get pending(): number {
    return this.#pending.size
  }
  get running(): boolean {
    return this.#worker !== null
  }
  /** Counts the threads started so far: state kept in a thread is gone when this has changed. */
  get generation(): number {
    return this.#generation
  }

  call<K extends keyof T>(call: K, ask: T[K]['ask']): Promise<T[K]['answer']> {
    if (this.#closed) return Promise.reject(faultText('serviceUnavailable', 'the row store is closed'))
    const worker = this.#start()
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      if (this.#pending.size === 1) worker.ref()
      const request: Request<T> = { id, call, ask }
      try {
        worker.postMessage(request)
      } catch (error) {
        this.#settle(id)
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }

  #start(): Worker {
    if (this.#worker) return this.#worker
    const url = new URL(`./${this.#options.script}${extname(import.meta.url)}`, import.meta.url)
    const worker = this.#options.start?.(url) ?? new Worker(url)
    this.#worker = worker
    this.#generation += 1
    worker.unref()
    worker.on('message', (message: Replies) => this.#receive(message))
    worker.on('messageerror', (error) => this.#crash(worker, error.message))
    worker.on('error', (error) => this.#crash(worker, error instanceof Error ? error.message : String(error)))
    worker.on('exit', (code) => this.#crash(worker, `exit code ${code}`))
    return worker
  }

  #receive({ replies, commitMs }: Replies): void {
    if (commitMs !== null) this.#options.onCommit?.(commitMs)
    for (const reply of replies) {
      const pending = this.#settle(reply.id)
      if (reply.ok) pending?.resolve(reply.answer)
      else pending?.reject(new ThreadError(reply.error))
    }
  }

  /** An idle thread does not keep the process alive. */
  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (this.#pending.size === 0) this.#worker?.unref()
    return pending
  }

  #crash(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const lost = [...this.#pending.values()]
    this.#pending.clear()
    const text = `${errorTable.serviceUnavailable.text}: a thread of the row store stopped (${reason})`
    for (const { reject } of lost) reject(faultText('serviceUnavailable', text))
    if (!this.#closed) this.#options.onCrash(reason)
    void worker.terminate()
  }

  /** Ends the thread; calls in flight are answered first by those who await them. */
  async close(): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    if (!worker) return
    worker.ref()
    await worker.terminate()
  }
}
