import { setTimeout as sleep } from 'node:timers/promises'
import type { TlsFileSet } from './files.ts'

export interface WatchOptions {
  readonly intervalMs: number
  read(): Promise<Pick<TlsFileSet, 'hash'>>
  /**
   * Called when the content differs from the current one and has stayed the same for two looks. False asks to be
   * called again for the same content: the attempt failed for a passing reason.
   */
  settled(): Promise<boolean>
  currentHash(): string
}

/**
 * Looks at the files' content every `intervalMs`. Content, not file events: that sees Kubernetes' swap of the `..data`
 * link, NFS and bind mounts, and a `touch` changes nothing. A change counts once two looks in a row agree, so that a
 * set being written file by file is left alone until it is quiet; content already tried is not tried again.
 */
export function watchFiles(options: WatchOptions): Disposable {
  const stop = new AbortController()
  const run = async () => {
    let last = ''
    let tried = ''
    while (!stop.signal.aborted) {
      try {
        await sleep(options.intervalMs, undefined, { signal: stop.signal, ref: false })
      } catch {
        return
      }
      const seen = await fingerprint(options.read)
      const quiet = seen === last
      last = seen
      if (seen === options.currentHash()) tried = ''
      else if (quiet && seen !== tried) {
        tried = (await options.settled()) ? seen : ''
      }
    }
  }
  void run()
  return { [Symbol.dispose]: () => stop.abort() }
}

/** The content's hash, or what stands in the way of reading it: that too is reported once it lasts. */
export async function fingerprint(read: WatchOptions['read']): Promise<string> {
  try {
    return (await read()).hash
  } catch (error) {
    return `unreadable: ${error instanceof Error ? error.message : String(error)}`
  }
}
