import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | null = null

/**
 * Collects the garbage of the calling thread. V8 does not count shared memory, so a thread that has only handled
 * vectors never feels a need to collect, and their memory would stay in use while the thread idles. Call it in quiet
 * times only: it stops this thread for some milliseconds.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    const found: unknown = runInNewContext('gc')
    collect = typeof found === 'function' ? () => found() : () => {}
  }
  collect()
}
