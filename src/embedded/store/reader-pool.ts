import type { ReaderCalls } from './messages.ts'
import { StoreThread, type StoreThreadOptions } from './store-thread.ts'

/** Reader threads: a call goes to the least busy one; a further thread starts only when all others are busy. */
export class ReaderPool {
  readonly #threads: readonly StoreThread<ReaderCalls>[]

  constructor(count: number, options: StoreThreadOptions) {
    this.#threads = Array.from({ length: Math.max(1, count) }, () => new StoreThread<ReaderCalls>(options))
  }

  async call<K extends keyof ReaderCalls>(call: K, ask: ReaderCalls[K]['ask']): Promise<ReaderCalls[K]['answer']> {
    return await this.#pick().call(call, ask)
  }

  #pick(): StoreThread<ReaderCalls> {
    const cost = (thread: StoreThread<ReaderCalls>) => thread.pending + (thread.running ? 0 : 0.5)
    return this.#threads.reduce((best, thread) => (cost(thread) < cost(best) ? thread : best))
  }

  /** Closes the connections to a file in every thread. */
  async release(file: string): Promise<void> {
    await Promise.all(this.#threads.filter((thread) => thread.running).map((thread) => thread.call('close', { file })))
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}
