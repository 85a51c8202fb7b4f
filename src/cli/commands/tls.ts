import { Command } from 'commander'
import { bindToIo, type CliIo } from '../io.ts'
import { addCertificates } from './tls/certificates.ts'
import { addConnections } from './tls/connections.ts'
import { addDeny } from './tls/deny.ts'
import { addReload } from './tls/reload.ts'
import { addRollback } from './tls/rollback.ts'
import { addStatus } from './tls/status.ts'
import { addWhoami } from './tls/whoami.ts'

/** `redkite tls`: the live key material of a running server, and who a certificate is. */
export function tlsCommand(io: CliIo): Command {
  const tls = bindToIo(new Command('tls'), io).description('key material of a running server; who a certificate is')
  addStatus(tls, io)
  addConnections(tls, io)
  addCertificates(tls, io)
  addReload(tls, io)
  addRollback(tls, io)
  addWhoami(tls, io)
  addDeny(tls, io)
  return tls
}
