/** A process of hostile clients, apart so that they cost the server's callers only what they cost the server. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ConnectionOptions, connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { ATTACKS, type AttackName } from './attacks.ts'
import { FLAG, frame, TYPE } from './frames.ts'

export interface AttackWish {
  readonly name: AttackName
  readonly port: number
  readonly connections: number
  /** Each attacker keeps at it for this long, and then waits to be closed. */
  readonly ms: number
  /** Longest wait for the server to close them. */
  readonly patienceMs: number
  readonly ca: string
  /** Files of a client certificate; null: none. */
  readonly pair: { readonly cert: string; readonly key: string } | null
}

export interface AttackResult {
  /** Connections that the server closed, and those it did not. */
  readonly closed: number
  readonly open: number
  readonly bytes: number
  /** From the first byte to the last connection closed. */
  readonly ms: number
}

/** Runs one attack to its end. */
export async function attack(wish: AttackWish): Promise<AttackResult> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [JSON.stringify(wish)])
  const [result] = (await once(child, 'message')) as [AttackResult]
  child.disconnect()
  return result
}

const NO_WAIT = 0

/** Resolves with the bytes sent and whether the server ended it. */
function attacker(wish: AttackWish, index: number): Promise<{ bytes: number; closed: boolean }> {
  const plan = ATTACKS[wish.name]
  const pair = wish.pair ? { cert: readFileSync(wish.pair.cert), key: readFileSync(wish.pair.key) } : {}
  // net's options, which the types of tls leave out
  const options: ConnectionOptions & { readonly localAddress: string } = {
    host: '127.0.0.1',
    port: wish.port,
    localAddress: `127.0.0.${2 + (index % 8)}`,
    servername: 'localhost',
    ALPNProtocols: ['h2'],
    ca: readFileSync(wish.ca),
    ...pair,
  }
  const socket = connect(options)
  return new Promise((resolve) => {
    let [bytes, round] = [0, 0]
    const end = Date.now() + wish.ms
    const timer = setTimeout(() => finish(false), wish.ms + wish.patienceMs)
    const finish = (closed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ bytes, closed })
    }
    const send = () => {
      while (!socket.destroyed && Date.now() < end) {
        const chunk = plan.next(round)
        if (chunk === null) return
        round += 1
        bytes += chunk.length
        if (!socket.write(chunk)) return void socket.once('drain', () => setTimeout(send, NO_WAIT))
      }
    }
    socket.on('error', () => {})
    socket.on('close', () => finish(true))
    socket.once('secureConnect', () => {
      socket.write(plan.start)
      send()
    })
    const read = () =>
      socket.on('data', (chunk: Buffer) => {
        for (const payload of pingsIn(chunk)) socket.write(frame(TYPE.ping, FLAG.ack, 0, payload))
      })
    // who does not read does not notice that it was closed either
    if (plan.reads) read()
    else setTimeout(read, wish.ms)
  })
}

/** Payloads of the PINGs that are whole in a chunk: a server sends one at a time here. */
function pingsIn(chunk: Buffer): readonly Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 17 <= chunk.length; at += 9 + chunk.readUIntBE(at, 3)) {
    if (chunk[at + 3] === TYPE.ping && chunk[at + 4] === 0) found.push(chunk.subarray(at + 9, at + 17))
  }
  return found
}

async function main(wish: AttackWish): Promise<void> {
  const began = performance.now()
  const results = await Promise.all(Array.from({ length: wish.connections }, (_, index) => attacker(wish, index)))
  const closed = results.filter((one) => one.closed).length
  const bytes = results.reduce((sum, one) => sum + one.bytes, 0)
  const result = { closed, open: results.length - closed, bytes, ms: performance.now() - began }
  process.send?.(result satisfies AttackResult)
  process.on('disconnect', () => process.exit(0))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2] ?? '{}') as AttackWish)
