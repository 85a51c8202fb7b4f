import { join } from 'node:path'
import { EXIT, StartError } from '../../errors/start-error.ts'
import { namingsIn } from '../../tls/settings.ts'
import type { Entry } from '../finding.ts'

/**
 * The three certificate paths of a directory, by whichever of the two namings its files have.
 * @param names the file names in `directory`
 * @throws StartError config: neither naming, or files of both
 */
export function readTlsDir(directory: string, names: readonly string[]): readonly Entry[] {
  const [naming, other] = namingsIn(names)
  if (naming === undefined) {
    throw new StartError(
      EXIT.config,
      `--tls-dir ${directory}: no certificate there: neither server.pem and server.key nor tls.crt and tls.key`,
      `run redkite certs create --dir ${directory}`,
    )
  }
  if (other !== undefined) {
    throw new StartError(
      EXIT.config,
      `--tls-dir ${directory}: both server.pem and tls.crt names are there, and only one can be meant`,
      'remove one set, or name the files by tls.serverPemPath, tls.serverKeyPath and tls.caPemPath',
    )
  }
  const source = { kind: 'flag', flag: '--tls-dir' } as const
  return [
    { key: 'tls.serverPemPath', value: join(directory, naming.certificate), source },
    { key: 'tls.serverKeyPath', value: join(directory, naming.key), source },
    { key: 'tls.caPemPath', value: join(directory, naming.ca), source },
  ]
}
