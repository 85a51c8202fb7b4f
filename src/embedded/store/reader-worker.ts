/** A thread that reads: scans, filters and large fetches, on read-only connections of its own. */
import { parentPort, type Transferable } from 'node:worker_threads'
import type { Column } from '../../model/columns.ts'
import { collectGarbage } from './collect-garbage.ts'
import type { ReaderCalls, Replies, Request } from './messages.ts'
import { Reader } from './read.ts'
import { wireError } from './sqlite-error.ts'

type ReadRequest = Request<ReaderCalls>

/** Connections kept open, the least recently used closed first: each has a page cache. */
const OPEN_READERS = 32
/** Quiet time after which the garbage of the reads is collected. */
const SETTLE_MS = 2000
const readers = new Map<string, Reader>()

function readerOf(file: string): Reader {
  const reader = readers.get(file) ?? new Reader(file, 'scans')
  readers.delete(file)
  for (const [oldest, idle] of readers) {
    if (readers.size < OPEN_READERS) break
    idle.close()
    readers.delete(oldest)
  }
  readers.set(file, reader)
  return reader
}

function answer(request: ReadRequest): unknown {
  if (request.call === 'close') {
    readers.get(request.ask.file)?.close()
    readers.delete(request.ask.file)
    return null
  }
  const reader = readerOf(request.ask.file)
  switch (request.call) {
    case 'count':
      return reader.count(request.ask.scope)
    case 'query':
      return reader.query(request.ask.scope, request.ask.page, request.ask.fields)
    case 'matching':
      return reader.matching(request.ask.scope, request.ask.range)
    case 'fetch':
      return reader.fetch(request.ask.rids, request.ask.fields)
    case 'readVectors':
      return reader.readVectors(request.ask.vector, request.ask.scalars, request.ask.range)
    case 'deadRids':
      return reader.deadRids(request.ask.after, request.ask.upTo)
  }
}

/** Buffers that can be handed over instead of copied; those over shared memory are shared anyway. */
function transferables(value: unknown): Transferable[] {
  if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer ? [value.buffer] : []
  if (typeof value !== 'object' || value === null) return []
  if (isColumn(value)) return [...transferables(value.data.values), ...transferables(value.valid)]
  if (Array.isArray(value)) return value.length > 0 && isColumn(value[0]) ? value.flatMap(transferables) : []
  return Object.values(value).flatMap(transferables)
}

function isColumn(value: unknown): value is Column {
  return typeof value === 'object' && value !== null && 'data' in value && 'valid' in value
}

let settleTimer: NodeJS.Timeout | null = null

parentPort?.on('message', (request: ReadRequest) => {
  let message: Replies
  try {
    message = { replies: [{ id: request.id, ok: true, answer: answer(request) }], commitMs: null }
  } catch (error) {
    const wire = wireError(request.ask.file, error)
    message = { replies: [{ id: request.id, ok: false, error: wire }], commitMs: null }
  }
  const [reply] = message.replies
  parentPort?.postMessage(message, reply?.ok ? transferables(reply.answer) : [])
  settleTimer ??= setTimeout(collectGarbage, SETTLE_MS)
  settleTimer.refresh()
})
