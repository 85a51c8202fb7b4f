import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Catalog } from '../../catalog/catalog.ts'
import { RedkiteError } from '../../errors/error.ts'
import { EXIT, StartError } from '../../errors/start-error.ts'
import { lockDataDirectory } from '../lock.ts'
import { guardRows } from '../store/guard-rows.ts'
import { createBackup } from './create.ts'
import type { BackupManifest } from './manifest.ts'

/** Backs up the data of a server that is stopped. @throws StartError, also where the data is damaged or in use */
export async function backUpDirectory(
  data: string,
  to: string,
  version: string,
  onFile: (path: string, at: number, all: number) => void,
): Promise<BackupManifest> {
  if (!existsSync(join(data, 'catalog.db'))) {
    throw new StartError(EXIT.config, `${data}: there is no catalog.db: not a data directory`, 'correct --data')
  }
  using _lock = lockDataDirectory(data)
  using catalog = Catalog.open(data)
  for (const { id } of catalog.collections(null))
    guardRows(join(data, 'collections', String(id), 'rows.db'), true)[Symbol.dispose]()
  const pause = (work: () => Promise<void>) => work()
  const onProgress = (done: number, all: number, name: string) => onFile(name, done, all)
  try {
    return await createBackup({ dataDirectory: data, catalog, version, pause, onProgress }, to)
  } catch (error) {
    if (error instanceof RedkiteError)
      throw new StartError(EXIT.io, error.message, 'see that there is room', { cause: error })
    throw error
  }
}
