import { Command } from 'commander'
import { bindToIo, type CliIo } from '../io.ts'
import { addCreate } from './certs/create.ts'
import { addInspect } from './certs/inspect.ts'
import { addRenew } from './certs/renew.ts'
import { addVerify } from './certs/verify.ts'

/** `redkite certs`: make, renew, explain and check certificates; no OpenSSL needed. */
export function certsCommand(io: CliIo): Command {
  const certs = bindToIo(new Command('certs'), io).description(
    'make, renew, explain and check the certificates of a server and its clients',
  )
  addCreate(certs, io)
  addRenew(certs, io)
  addInspect(certs, io)
  addVerify(certs, io)
  return certs
}
