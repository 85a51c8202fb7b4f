/** From the spawn of a server on existing data to its first answered search, as a client sees it. */
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../test/support/free-port.ts'
import type { CertSet } from '../../test/support/sets.ts'
import { SERVICE } from './messages.ts'
import { connectRpc, type Mode, type Target } from './rpc.ts'
import { type BenchServer, LOGIN, startBenchServer } from './servers.ts'

const LIMIT_MS = 60_000
const RETRY_MS = 3

export interface FirstAnswer {
  readonly server: BenchServer
  /** Milliseconds from the spawn until the search was answered; a client that tries all the time asked for it. */
  readonly firstAnswerMs: number
  /** … until the ready file was there. */
  readonly readyMs: number
}

export async function startToFirstAnswer(mode: Mode, set: CertSet, data: string, search: Buffer): Promise<FirstAnswer> {
  const port = await freePort()
  const target: Target = { port, mode, set, login: LOGIN }
  const started = performance.now()
  const starting = startBenchServer(mode, set, data, { args: ['--port', String(port)] })
  const ready = starting.then(() => performance.now())
  const [server, answeredAt, readyAt] = await Promise.all([starting, untilAnswered(target, search), ready])
  return { server, firstAnswerMs: answeredAt - started, readyMs: readyAt - started }
}

/** The moment of the first answer. Only that nothing listens yet is forgiven. */
async function untilAnswered(target: Target, search: Buffer): Promise<number> {
  const end = performance.now() + LIMIT_MS
  for (;;) {
    try {
      using rpc = await connectRpc(target)
      await rpc.call(`${SERVICE}Search`, search)
      return performance.now()
    } catch (thrown) {
      const isNotThere = thrown instanceof Error && 'code' in thrown && thrown.code === 'ECONNREFUSED'
      if (!isNotThere || performance.now() > end) throw thrown
    }
    await delay(RETRY_MS)
  }
}
