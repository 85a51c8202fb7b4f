import { Command } from 'commander'
import { bindToIo, type CliIo } from '../io.ts'

/** `redkite verify`. */
export function verifyCommand(io: CliIo): Command {
  return bindToIo(new Command('verify'), io).description('connect to a server and prove its encryption from outside')
}
