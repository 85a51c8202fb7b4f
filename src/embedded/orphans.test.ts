import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import type { Log } from '../observe/log.ts'
import { silentLog } from '../observe/log.ts'
import { removeOrphans } from './orphans.ts'
import { openPool, sampleFields, sampleRows, temporaryDirectory } from './store/test-support.ts'

it('removes what an interrupted creation left, and nothing that may hold rows or is not ours', async () => {
  using directory = temporaryDirectory()
  const at = (name: string) => join(directory.path, name)
  for (const name of ['1', '2', '3', '4', '5', 'lost+found']) mkdirSync(at(name))
  {
    await using pool = openPool()
    for (const name of ['1', '2', '3']) await pool.open(at(name), { fields: sampleFields })
    const withRows = await pool.open(at('3'), { fields: sampleFields })
    await withRows.write({ kind: 'insert', rows: sampleRows([1, 2]) })
  }
  writeFileSync(join(at('5'), 'rows.db'), 'damaged, so it may hold rows')
  const warned: string[] = []
  const log: Log = { ...silentLog, warn: (_, fields) => void warned.push(String(fields?.['directory'])) }
  await removeOrphans(directory.path, (id) => id === 1n, log)
  const left = ['1', '2', '3', '4', '5', 'lost+found'].filter((name) => existsSync(at(name)))
  assert.deepEqual(left, ['1', '3', '5', 'lost+found'])
  assert.deepEqual(warned.sort(), [at('3'), at('5')])
  await removeOrphans(join(directory.path, 'absent'), () => false, log)
})
