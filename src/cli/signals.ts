import { EXIT, type ExitCode } from '../errors/start-error.ts'
import type { Log } from '../observe/log.ts'
import type { LogSink } from '../observe/log-sink.ts'

/** What the signals act on: `server.ts` provides it. */
export interface Stoppable {
  /** Resolves with the exit code once everything has ended. */
  readonly stopped: Promise<ExitCode>
  stop(reason: string): Promise<void>
  reload(reason: string): Promise<void>
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

/**
 * Starts something and keeps it until it has stopped: the first TERM, INT or QUIT stops it gracefully, the second at
 * once; HUP reopens the log and reloads (Milvus stops on HUP: a documented difference).
 * A signal during the start ends it at once: nothing is served yet, and the stores survive any end.
 * @param reread what a HUP does besides: looks at the configuration again; must not throw
 */
export async function untilStopped(
  log: LogSink,
  start: () => Promise<Stoppable>,
  reread: () => void = () => {},
): Promise<ExitCode> {
  const own = log.at('cli/signals.ts')
  const { promise: forced, resolve: force } = Promise.withResolvers<ExitCode>()
  let running: Stoppable | null = null
  let isStopping = false
  const onStop = (signal: NodeJS.Signals) => {
    if (running === null || isStopping) {
      own.warn('stopping at once', { signal })
      force(running === null ? EXIT.ok : EXIT.temporary)
      return
    }
    isStopping = true
    own.info('stopping: running calls may finish', { signal })
    logRejection(own, 'stop failed', running.stop(signal))
  }
  const onHangup = () => {
    log.reopen()
    reread()
    if (running !== null && !isStopping) logRejection(own, 'reload failed', running.reload('SIGHUP'))
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onStop)
  process.on('SIGHUP', onHangup)
  try {
    const ended = async () => {
      running = await start()
      return running.stopped
    }
    return await Promise.race([ended(), forced])
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onStop)
    process.off('SIGHUP', onHangup)
  }
}

function logRejection(log: Log, message: string, action: Promise<void>): void {
  action.catch((error: unknown) => log.error(message, { error }))
}
