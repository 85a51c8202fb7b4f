import type { Socket } from 'node:net'

export type Peeked<T> =
  | { readonly kind: 'decided'; readonly value: T }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'closed' }

/**
 * Looks at the first bytes of a connection without consuming them: `decide` gets all bytes so far and answers null for
 * "not enough yet". Bytes may come one at a time, so it has a timeout of its own (HTTP/2 has none here). When `done`
 * is called the bytes are back in the socket, nobody listens to it, and its new owner may read.
 */
export function peek<T>(
  socket: Socket,
  timeoutMs: number,
  decide: (head: Buffer) => T | null,
  done: (result: Peeked<T>) => void,
): void {
  let head: Buffer = Buffer.alloc(0)
  const finish = (result: Peeked<T>) => {
    clearTimeout(timer)
    socket.off('readable', onReadable)
    socket.off('end', onClosed)
    socket.off('close', onClosed)
    if (head.length > 0 && !socket.destroyed && !socket.readableEnded) socket.unshift(head)
    done(result)
  }
  const onClosed = () => finish({ kind: 'closed' })
  const onReadable = () => {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) return
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const value = decide(head)
    if (value !== null) finish({ kind: 'decided', value })
  }
  const timer = setTimeout(() => finish({ kind: 'timeout' }), timeoutMs)
  socket.on('readable', onReadable)
  socket.on('end', onClosed)
  socket.on('close', onClosed)
}

/** What a connection starts with. */
export type Opening = 'tls' | 'h2' | 'http/1.1' | 'unknown'

const TLS_HANDSHAKE_RECORD = 0x16
/** First three bytes of the HTTP/2 preface (RFC 9113 3.4); no HTTP/1.1 method starts so (PROPFIND and PUT differ). */
const PREFACE = 'PRI'

/** Tells TLS, HTTP/2 and HTTP/1.1 apart by at most three bytes. */
export function opening(head: Buffer): Opening | null {
  const first = head[0]
  if (first === undefined) return null
  if (first === TLS_HANDSHAKE_RECORD) return 'tls'
  const text = head.toString('latin1', 0, PREFACE.length)
  if (text === PREFACE) return 'h2'
  if (head.length < PREFACE.length && PREFACE.startsWith(text)) return null
  return /^[A-Za-z]/.test(text) ? 'http/1.1' : 'unknown'
}
