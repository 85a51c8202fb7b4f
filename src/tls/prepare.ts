import { EXIT } from '../errors/start-error.ts'
import { checkMaterial } from './check.ts'
import { MaterialFault } from './fault.ts'
import { readTlsFiles, type TlsFileSet } from './files.ts'
import { type Generation, makeGeneration } from './generation.ts'
import { proveGeneration } from './proof.ts'
import type { TlsSettings } from './settings.ts'

/**
 * Parses, checks and proves a set of files; nothing of it is visible to anybody yet. Throws `MaterialFault`; with exit
 * code `temporary` where the same files may do at another attempt.
 */
export async function prepareGeneration(
  number: number,
  set: TlsFileSet,
  settings: TlsSettings,
  now: Date,
): Promise<Generation> {
  const checked = checkMaterial(set, now, settings.strictKeyPermissions)
  if (number > 1 && set.caPem && checked.damagedAnchors > 0) {
    throw new MaterialFault(
      EXIT.config,
      `${set.caPem.key}: ${set.caPem.path}: ${checked.damagedAnchors} blocks are no certificates (is the file half-written?)`,
      'write the whole file again; a reload never drops a certificate authority because of a damaged file',
    )
  }
  const generation = makeGeneration(number, set, checked, now)
  await proveGeneration(generation, `${set.serverPem.key}: ${set.serverPem.path}`)
  const again = await readTlsFiles(settings.files, settings.section ?? 'tls')
  if (again.hash !== set.hash) {
    throw new MaterialFault(
      EXIT.temporary,
      `${set.serverPem.key}: the files changed while they were read`,
      'try again when they are written; rename finished files into place',
    )
  }
  return generation
}
