import { createPrivateKey } from 'node:crypto'
import { resolve } from 'node:path'
import { EXIT } from '../errors/start-error.ts'
import { checkMaterial } from './check.ts'
import { MaterialFault } from './fault.ts'
import { type RawFiles, readTlsFiles, type TlsFileSet } from './files.ts'
import { type Generation, makeGeneration, withWarnings } from './generation.ts'
import { checkPermissions } from './permissions.ts'
import { proveGeneration } from './proof.ts'
import { readSmallFile } from './read-file.ts'
import type { TlsSettings } from './settings.ts'
import type { Located } from './sources/locate.ts'
import { unlock } from './sources/unlock.ts'
import type { ThrowawayIssuer } from './throwaway.ts'

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
  const warnings = [...checked.warnings, ...permissions]
  const generation = makeGeneration(number, set, { ...checked, warnings }, now)
  const { key, path } = set.serverPem
  const where = `${key}: ${path}`
  const proven = await proveGeneration(generation, {
    where,
    protocol: settings.protocol,
    issuer: await issuerOf(generation, settings),
  })
  const again = await readTlsFiles(settings)
  if (again.hash !== set.hash) {
    throw new MaterialFault(
      EXIT.temporary,
      `${set.serverPem.key}: the files changed while they were read`,
      'try again when they are written; rename finished files into place',
    )
  }
  return withWarnings(
    generation,
    proven.map((warning) => `${where}: ${warning}`),
  )
}

/** The anchor whose private key is at hand; null where none is, or it cannot be read: renewal says what is wrong. */
export async function issuerOf(generation: Generation, settings: TlsSettings): Promise<ThrowawayIssuer | null> {
  if (!settings.caKeyPath || generation.kind === 'oneWay') return null
  try {
    const { bytes } = await readSmallFile(resolve(settings.caKeyPath))
    const key = createPrivateKey(bytes)
    const certificate = generation.anchors.find((anchor) => anchor.ca && anchor.checkPrivateKey(key))
    return certificate === undefined ? null : { certificate, key }
  } catch {
    return null
  }
}
