/** Mutated bytes to a TLS port: as the first flight, and in the middle of a real handshake. */
import { connect as connectTcp, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { connect } from 'node:tls'
import type { Target } from './good-calls.ts'

const WATCHDOG_MS = 10_000

/** Resolves with the milliseconds until the server closed; rejects where it did not. */
function ended(socket: Socket): Promise<number> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error('the server kept the connection'))
    }, WATCHDOG_MS)
    socket.resume()
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(performance.now() - began)
    })
  })
}

/** Sends bytes and no more. */
export function sendRaw({ port }: Target, bytes: Buffer): Promise<number> {
  const socket = connectTcp({ host: '127.0.0.1', port })
  socket.end(bytes)
  return ended(socket)
}

/** A real client of which one flight after the ClientHello is changed on the way. */
export function midHandshake({ port, tls }: Target, change: (flight: Buffer) => Buffer): Promise<number> {
  const raw = connectTcp({ host: '127.0.0.1', port })
  const [near, far] = duplexPair()
  const client = connect({ socket: near, servername: 'localhost', ALPNProtocols: ['h2'], ...tls })
  client.on('error', () => {})
  client.on('secureConnect', () => client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))
  let flights = 0
  far.on('data', (chunk: Buffer) => {
    flights += 1
    raw.write(flights === 1 ? chunk : change(chunk))
    // what is wrong has been said: nothing more comes
    if (flights > 1) raw.end()
  })
  raw.on('data', (chunk: Buffer) => far.write(chunk))
  return ended(raw).finally(() => {
    client.destroy()
    far.destroy()
  })
}

/** Bytes after a real handshake that agreed on HTTP/2. */
export function afterHandshake({ port, tls }: Target, bytes: Buffer): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['h2'], ...tls })
  socket.once('secureConnect', () => socket.end(bytes))
  return ended(socket)
}

/** Runs `job` for each input, so many at a time; the longest it took. */
export async function each<T>(
  inputs: readonly T[],
  atOnce: number,
  job: (input: T) => Promise<number>,
): Promise<number> {
  let [next, longest] = [0, 0]
  const worker = async () => {
    for (let at = next++; at < inputs.length; at = next++) {
      const input = inputs[at]
      if (input !== undefined) longest = Math.max(longest, await job(input))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return longest
}
