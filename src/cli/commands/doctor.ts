import { Command } from 'commander'
import { bindToIo, type CliIo } from '../io.ts'

/** `redkite doctor`. */
export function doctorCommand(io: CliIo): Command {
  return bindToIo(new Command('doctor'), io).description('look at the configuration, the files and this machine')
}
