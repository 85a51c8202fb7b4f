import type { Command } from 'commander'
import type { CliIo } from '../../io.ts'
import { addChange } from './change.ts'

/** `tls reload`: reads the certificate files of a running server again, now. */
export function addReload(tls: Command, io: CliIo): void {
  const description =
    'let a running server read its certificate files again; what is not good is refused, and the old stays'
  addChange(tls, io, { verb: 'reload', description, done: 'reloaded' })
}
