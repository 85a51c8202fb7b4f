import type { Command } from 'commander'
import type { CliIo } from '../../io.ts'
import { addChange } from './change.ts'

/** `tls rollback`: the previous good certificates of a running server, until the files change or a reload is asked for. */
export function addRollback(tls: Command, io: CliIo): void {
  const description = 'let a running server go back to its previous good certificates'
  addChange(tls, io, { verb: 'rollback', description, done: 'rolled back' })
}
