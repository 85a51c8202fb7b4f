import { Command } from 'commander'
import { bindToIo, type CliIo } from '../io.ts'

/** `redkite tls`: the live key material of a running server, and who a certificate is. */
export function tlsCommand(io: CliIo): Command {
  return bindToIo(new Command('tls'), io).description('key material of a running server; who a certificate is')
}
