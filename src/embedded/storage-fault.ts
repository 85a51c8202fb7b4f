import type { RedkiteError } from '../errors/error.ts'
import { StartError } from '../errors/start-error.ts'
import type { Log } from '../observe/log.ts'
import { clientError, wireError } from './store/sqlite-error.ts'
import { ThreadError } from './store/store-thread.ts'

/**
 * What the disk did to a call outside the row stores (the catalog, the files of a new collection) as an error for the
 * client; the operator finds the rest in the log. null for everything else.
 */
export function storageFault(thrown: unknown, log: Log): RedkiteError | null {
  const wire = wireOf(thrown)
  if (wire === null || wire.start === null) return null
  log.error('the storage failed', { error: wire.start.message })
  return clientError(wire)
}

function wireOf(thrown: unknown) {
  // a collection's files could not be opened: the thread's own word names no path
  if (thrown instanceof StartError) return thrown.cause instanceof ThreadError ? thrown.cause.wire : null
  const isStorage = thrown instanceof Error && ('errcode' in thrown || 'syscall' in thrown)
  return isStorage ? wireError('data directory', thrown) : null
}
