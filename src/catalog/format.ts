import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'

/** The newest layout of `catalog.db` that this version reads, and the one that it writes. */
export const CATALOG_FORMAT = 2

/** What stands in a data directory. */
export type CatalogFormat =
  | { readonly kind: 'none' }
  | { readonly kind: 'format'; readonly format: number }
  | { readonly kind: 'damaged'; readonly why: string }

/**
 * Looks at the format of a catalog without changing anything: the file is opened as immutable, so that no lock is
 * taken and no file made beside it, whoever looks. What a running server has not yet checkpointed is not seen.
 */
export function lookAtFormat(dataDirectory: string): CatalogFormat {
  const path = join(dataDirectory, 'catalog.db')
  if (!existsSync(path)) return { kind: 'none' }
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  try {
    const file = new DatabaseSync(url, { readOnly: true })
    try {
      const isThere = file.prepare("SELECT 1 FROM sqlite_master WHERE name = 'info'").get() !== undefined
      const row = isThere ? file.prepare("SELECT value FROM info WHERE key = 'format'").get() : undefined
      return { kind: 'format', format: Number(row?.['value'] ?? CATALOG_FORMAT) }
    } finally {
      file.close()
    }
  } catch (error) {
    return { kind: 'damaged', why: error instanceof Error ? error.message : String(error) }
  }
}
