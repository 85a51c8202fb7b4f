import { EXIT } from '../errors/start-error.ts'
import { checkMaterial } from './check.ts'
import { MaterialFault } from './fault.ts'
import { type RawFiles, readTlsFiles, type TlsFileSet } from './files.ts'
import { type Generation, makeGeneration } from './generation.ts'
import { checkPermissions } from './permissions.ts'
import { proveGeneration } from './proof.ts'
import type { TlsSettings } from './settings.ts'
import type { Located } from './sources/locate.ts'
import { unlock } from './sources/unlock.ts'

/**
 * Reads the material of any source as PEM texts, the key decrypted: for whoever looks at material without serving it.
 * @throws MaterialFault
 */
export async function loadTlsFiles(settings: Located): Promise<TlsFileSet> {
  return unlock(await readTlsFiles(settings), settings)
}

/**
 * Parses, checks and proves a set of files; nothing of it is visible to anybody yet. Throws `MaterialFault`; with exit
 * code `temporary` where the same files may do at another attempt.
 */
export async function prepareGeneration(
  number: number,
  raw: RawFiles,
  settings: TlsSettings,
  now: Date,
): Promise<Generation> {
  const permissions = await checkPermissions(raw, settings.strictKeyPermissions ?? false)
  const set = await unlock(raw, settings)
  const checked = checkMaterial(set, now)
  if (number > 1 && set.caPem && checked.damagedAnchors > 0) {
    throw new MaterialFault(
      EXIT.config,
      `${set.caPem.key}: ${set.caPem.path}: ${checked.damagedAnchors} blocks are no certificates (is the file half-written?)`,
      'write the whole file again; a reload never drops a certificate authority because of a damaged file',
    )
  }
  const generation = makeGeneration(number, set, { ...checked, warnings: [...checked.warnings, ...permissions] }, now)
  await proveGeneration(generation, `${set.serverPem.key}: ${set.serverPem.path}`)
  const again = await readTlsFiles(settings)
  if (again.hash !== set.hash) {
    throw new MaterialFault(
      EXIT.temporary,
      `${set.serverPem.key}: the files changed while they were read`,
      'try again when they are written; rename finished files into place',
    )
  }
  return generation
}
