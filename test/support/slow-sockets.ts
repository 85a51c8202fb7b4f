/**
 * A client process that opens many connections and says nothing, or the beginning of a TLS record: a process of its own,
 * so that its sockets count against its own limit of open files and its work against its own CPU.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'

export interface SlowWish {
  readonly port: number
  /** Connections that say nothing. */
  readonly silent: number
  /** Connections that begin a record and stop. */
  readonly partial: number
  /** Source addresses, taken in turn. */
  readonly from: readonly string[]
}

export interface SlowSockets extends AsyncDisposable {
  /** How many of them the server has closed. */
  closed(): Promise<number>
}

/** Resolves when every connection is made. */
export async function slowSockets(wish: SlowWish): Promise<SlowSockets> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(wish)])
  await answer(child)
  return {
    closed: () => {
      child.send('closed?')
      return answer(child)
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

async function answer(child: ChildProcess): Promise<number> {
  const [message] = (await once(child, 'message')) as [number]
  return message
}

/** A record header that promises 512 bytes, a ClientHello that promises more, and nothing of it. */
const BEGINNING = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])

async function main(wish: SlowWish): Promise<void> {
  let closed = 0
  const open = (index: number) =>
    new Promise<void>((resolve) => {
      const localAddress = wish.from[index % wish.from.length]
      const socket = connect({ host: '127.0.0.1', port: wish.port, ...(localAddress ? { localAddress } : {}) })
      socket.on('error', () => {})
      socket.on('connect', () => {
        if (index >= wish.silent) socket.write(BEGINNING)
        socket.resume()
        resolve()
      })
      socket.on('close', () => {
        closed += 1
        resolve()
      })
    })
  for (let at = 0; at < wish.silent + wish.partial; at += 200) {
    const batch = Math.min(200, wish.silent + wish.partial - at)
    await Promise.all(Array.from({ length: batch }, (_, index) => open(at + index)))
  }
  process.on('message', () => process.send?.(closed))
  process.on('disconnect', () => process.exit(0))
  process.send?.(closed)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2] ?? '{}') as SlowWish)
