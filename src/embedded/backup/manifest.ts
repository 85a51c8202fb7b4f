/** What a backup is: a folder with `manifest.json`, written last, and the files that it lists. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { EXIT, StartError } from '../../errors/start-error.ts'

/** Format of the folder. */
export const BACKUP_FORMAT = 1
export const MANIFEST = 'manifest.json'

const manifestSchema = z.object({
  format: z.literal(BACKUP_FORMAT),
  /** Redkite that made it. */
  version: z.string(),
  /** The moment whose acknowledged writes it holds, and none after. */
  takenAt: z.iso.datetime(),
  catalogFormat: z.int(),
  storeFormat: z.int(),
  collections: z.array(z.object({ db: z.string(), name: z.string(), id: z.string(), rows: z.int().nonnegative() })),
  /** Paths are relative, with `/`. */
  files: z.array(z.object({ path: z.string(), bytes: z.int().nonnegative(), sha256: z.string() })),
})

/** The parsed `manifest.json`. */
export type BackupManifest = z.infer<typeof manifestSchema>

const PATH = /^(catalog\.db|collections\/\d+\/rows\.db)$/

/** @throws StartError 78 naming the file where this is no backup, or not one that can be read here */
export function readManifest(directory: string): BackupManifest {
  const file = join(directory, MANIFEST)
  const hint = 'name a folder that `redkite backup create` made; `redkite backup list` shows those in a folder'
  if (!existsSync(file)) throw new StartError(EXIT.config, `${file}: there is no such file: not a backup`, hint)
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new StartError(EXIT.config, `${file}: not JSON: the backup is damaged`, 'use another backup', { cause })
  }
  const parsed = manifestSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = `${issue?.path.join('.')}: ${issue?.message}`
    throw new StartError(EXIT.config, `${file}: not a manifest of format ${BACKUP_FORMAT}: ${where}`, hint)
  }
  const stray = parsed.data.files.find(({ path }) => !PATH.test(path))
  if (stray) throw new StartError(EXIT.config, `${file}: lists ${stray.path}, which no backup holds`, hint)
  return parsed.data
}

/** Folders of a folder that hold a manifest, by name. */
export function backupsIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, MANIFEST)))
    .map((entry) => entry.name)
    .sort()
}

/** Size and SHA-256 of a file. */
export async function sumOf(path: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const part: Buffer = chunk
    hash.update(part)
    bytes += part.length
  }
  return { bytes, sha256: hash.digest('hex') }
}
