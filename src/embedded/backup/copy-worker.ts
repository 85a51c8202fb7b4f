/**
 * The thread that copies row stores. `begin` opens a reading transaction on each file: what it sees from then on is that
 * moment, whatever is written meanwhile. `copy` copies one of them, and lets it go.
 */
import { backup, DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'
import { wireError } from '../store/sqlite-error.ts'
import { sumOf } from './manifest.ts'

/** The calls to the thread. */
export interface CopyCalls {
  begin: { ask: { file: string; files: readonly string[] }; answer: null }
  copy: { ask: { file: string; to: string }; answer: { rows: number; bytes: number; sha256: string } }
}

type CopyRequest = { [K in keyof CopyCalls]: { id: number; call: K; ask: CopyCalls[K]['ask'] } }[keyof CopyCalls]

const held = new Map<string, DatabaseSync>()

function begin(files: readonly string[]): null {
  for (const db of held.values()) db.close()
  held.clear()
  for (const file of files) {
    const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
    held.set(file, db)
    db.exec('BEGIN')
    db.prepare('SELECT 1 FROM sqlite_schema').get()
  }
  return null
}

async function copy(file: string, to: string): Promise<CopyCalls['copy']['answer']> {
  const db = held.get(file)
  if (!db) throw new Error(`${file} is not held`)
  const rows = Number(db.prepare('SELECT count(*) AS n FROM rows').get()?.['n'] ?? 0)
  await backup(db, to, { rate: 0x7fffffff })
  db.close()
  held.delete(file)
  // a copy in WAL mode would need a log beside it
  const copied = new DatabaseSync(to)
  copied.exec('PRAGMA journal_mode=DELETE')
  copied.close()
  return { rows, ...(await sumOf(to)) }
}

parentPort?.on('message', (request: CopyRequest) => {
  const { id, ask } = request
  const work = async () =>
    request.call === 'begin' ? begin(request.ask.files) : copy(request.ask.file, request.ask.to)
  work().then(
    (answer) => parentPort?.postMessage({ replies: [{ id, ok: true, answer }], commitMs: null }),
    (error: unknown) =>
      parentPort?.postMessage({ replies: [{ id, ok: false, error: wireError(ask.file, error) }], commitMs: null }),
  )
})
