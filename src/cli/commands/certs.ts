import { Command } from 'commander'
import { bindToIo, type CliIo } from '../io.ts'
import { addCreate } from './certs/create.ts'
import { addCrl } from './certs/crl.ts'
import { addInspect } from './certs/inspect.ts'
import { addRenew } from './certs/renew.ts'
import { addRevoke } from './certs/revoke.ts'
import { addVerify } from './certs/verify.ts'

const EXAMPLES = `
Examples:
  $ redkite certs create --dir tls            the CA, a server and a client pair
  $ redkite certs verify --dir tls            what is wrong with a set, in words
  $ redkite certs renew --dir tls             new pairs of the same CA; a running server takes them up
  $ redkite certs revoke client.pem --dir tls refuse a client from now on
  $ redkite certs inspect tls/server.pem`

/** `redkite certs`: make, renew, explain and check certificates; no OpenSSL needed. */
export function certsCommand(io: CliIo): Command {
  const certs = bindToIo(new Command('certs'), io)
    .description('make, renew, revoke, explain and check the certificates of a server and its clients')
    .addHelpText('after', EXAMPLES)
  addCreate(certs, io)
  addRenew(certs, io)
  addRevoke(certs, io)
  addCrl(certs, io)
  addInspect(certs, io)
  addVerify(certs, io)
  return certs
}
