/**
 * The thread that writes. It takes everything that has arrived, commits the changes of each collection in one
 * transaction, and answers after the fsync; what arrives meanwhile is the next group.
 */
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { columnBytes } from '../../model/columns.ts'
import { collectGarbage } from './collect-garbage.ts'
import { GroupCommit } from './group-commit.ts'
import type { Replies, Reply, Request, WriterCalls } from './messages.ts'
import { wireError } from './sqlite-error.ts'

type WriterRequest = Request<WriterCalls>
type WriteRequest = Extract<WriterRequest, { call: 'write' }>

/** A transaction holds at most this many changes and about this many vector bytes: its log must stay bounded. */
const GROUP_CHANGES = 4096
const GROUP_BYTES = 64 << 20
/** Quiet time after which the log is emptied and caches are given back. */
const SETTLE_MS = 2000

const stores = new Map<string, GroupCommit>()
let settleTimer: NodeJS.Timeout | null = null

function serve(port: MessagePort): void {
  const post = (replies: Reply[], commitMs: number | null) => {
    const message: Replies = { replies, commitMs }
    port.postMessage(message)
  }
  port.on('message', (first: WriterRequest) => {
    const arrived = [first]
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) arrived.push(next.message)
    // Open and close stand between the writes before and after them.
    const writes = new Map<string, WriteRequest[]>()
    for (const request of arrived) {
      if (request.call === 'write') {
        const queue = writes.get(request.ask.file)
        if (queue) queue.push(request)
        else writes.set(request.ask.file, [request])
      } else {
        commitAll(writes, post)
        post([control(request)], null)
      }
    }
    commitAll(writes, post)
    settleTimer ??= setTimeout(settle, SETTLE_MS)
    settleTimer.refresh()
  })
}

type Post = (replies: Reply[], commitMs: number | null) => void

function commitAll(writes: Map<string, WriteRequest[]>, post: Post): void {
  for (const [file, queue] of writes) {
    for (const group of groups(queue)) commitGroup(file, group, post)
  }
  writes.clear()
}

function commitGroup(file: string, group: readonly WriteRequest[], post: Post): void {
  const store = stores.get(file)
  if (!store) {
    const error = wireError(file, new Error('the collection is not open in its writer thread'))
    post(
      group.map(({ id }) => ({ id, ok: false, error })),
      null,
    )
    return
  }
  const began = performance.now()
  const outcomes = store.commit(group.map((request) => request.ask.change))
  const replies = group.map(({ id }, i): Reply => {
    const outcome = outcomes[i]
    if (outcome?.ok) return { id, ok: true, answer: { applied: outcome.applied, rowCount: outcome.rowCount } }
    return { id, ok: false, error: wireError(file, outcome?.error) }
  })
  post(replies, performance.now() - began)
  try {
    store.checkpointIfGrown()
  } catch {
    // Nothing is lost: the changes are durable in the log, and the next checkpoint tries again.
  }
}

function* groups(queue: readonly WriteRequest[]): Generator<readonly WriteRequest[]> {
  let group: WriteRequest[] = []
  let bytes = 0
  for (const request of queue) {
    group.push(request)
    bytes += vectorBytes(request)
    if (group.length >= GROUP_CHANGES || bytes >= GROUP_BYTES) {
      yield group
      group = []
      bytes = 0
    }
  }
  if (group.length > 0) yield group
}

function vectorBytes({ ask: { change } }: WriteRequest): number {
  if (change.kind !== 'insert' && change.kind !== 'upsert') return 0
  return columnBytes(change.rows.vectors)
}

function control(request: Exclude<WriterRequest, WriteRequest>): Reply {
  const { id, ask } = request
  try {
    if (request.call === 'close') {
      stores.get(ask.file)?.close()
      stores.delete(ask.file)
      return { id, ok: true, answer: null }
    }
    let store = stores.get(ask.file)
    if (!store) {
      store = new GroupCommit(ask.file, request.ask.fields, request.ask.mustExist)
      stores.set(ask.file, store)
    }
    const { rowCount, lastRid, remarks } = store
    return { id, ok: true, answer: { rowCount, lastRid, remarks } }
  } catch (error) {
    return { id, ok: false, error: wireError(ask.file, error) }
  }
}

function settle(): void {
  for (const store of stores.values()) {
    try {
      store.settle()
    } catch {
      // As after a commit: durable already.
    }
  }
  collectGarbage()
}

if (parentPort) serve(parentPort)
