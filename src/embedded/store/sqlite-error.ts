import { faultText, RedkiteError } from '../../errors/error.ts'
import { EXIT, type ExitCode, StartError } from '../../errors/start-error.ts'
import { type ErrorKind, errorTable } from '../../errors/table.ts'

/**
 * An error as it crosses from a store thread. `message` is for clients and names no path of this machine; `start` is
 * for the operator and names the file, where the storage is at fault.
 */
export interface WireError {
  readonly kind: ErrorKind
  readonly message: string
  readonly start: { readonly exitCode: ExitCode; readonly message: string; readonly hint: string | null } | null
}

/** Primary result codes of SQLite (sqlite.org/rescode.html) that mean something to an operator. */
const SQLITE = { perm: 3, busy: 5, locked: 6, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 }

function primaryCode(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('errcode' in thrown) || typeof thrown.errcode !== 'number') return null
  return thrown.errcode & 0xff
}

/** True where the error says nothing about the change itself: the disk, the file or the lock failed. */
export function isStorageFailure(thrown: unknown): boolean {
  const code = primaryCode(thrown)
  return code !== null && Object.values(SQLITE).includes(code)
}

/** Names the file and the remedy of whatever was thrown while `file` was in use. */
export function wireError(file: string, thrown: unknown): WireError {
  if (thrown instanceof StartError) {
    const { exitCode, message, hint } = thrown
    return { kind: 'ioFailed', message, start: { exitCode, message, hint } }
  }
  if (thrown instanceof RedkiteError) return { kind: thrown.kind, message: thrown.message, start: null }
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  const told = (kind: ErrorKind, exitCode: ExitCode, seen: string, remedy: string): WireError => ({
    kind,
    message: `row store: ${seen}; ${remedy}: ${errorTable[kind].text}`,
    start: { exitCode, message: `${file}: ${seen} (${text})`, hint: remedy },
  })
  switch (primaryCode(thrown) ?? fileSystemCode(thrown)) {
    case SQLITE.full:
      return told('diskLimit', EXIT.io, 'the disk is full', 'free some space and try again')
    case SQLITE.ioerr:
      return told('ioFailed', EXIT.io, 'reading or writing failed', 'check the disk and the system log')
    case SQLITE.corrupt:
    case SQLITE.notadb:
      return told('ioFailed', EXIT.io, 'the file is damaged', 'restore it from a backup, or move it away')
    case SQLITE.perm:
    case SQLITE.readonly:
    case SQLITE.cantopen:
      return told('ioFailed', EXIT.noPermission, 'cannot be written', 'give the user of the server write permission')
    case SQLITE.busy:
    case SQLITE.locked:
      return told('ioFailed', EXIT.temporary, 'another program holds the file', 'stop it and try again')
    default:
      return { kind: 'serviceInternal', message: `${errorTable.serviceInternal.text}: ${text}`, start: null }
  }
}

function fileSystemCode(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null
  if (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT') return SQLITE.full
  if (thrown.code === 'EACCES' || thrown.code === 'EPERM' || thrown.code === 'EROFS') return SQLITE.readonly
  // Node answers ENOENT for a recursive mkdir on a read-only file system.
  return ['ENOTDIR', 'EEXIST', 'ENOENT'].includes(String(thrown.code)) ? SQLITE.cantopen : null
}

/** The error for a client. */
export function clientError(error: WireError): RedkiteError {
  return faultText(error.kind, error.message)
}

/** The error for the operator, while a collection is opened. */
export function startError(file: string, error: WireError, cause: unknown): StartError {
  const { exitCode, message, hint } = error.start ?? {
    exitCode: EXIT.internal,
    message: `${file}: ${error.message}`,
    hint: null,
  }
  return new StartError(exitCode, message, hint, { cause })
}
