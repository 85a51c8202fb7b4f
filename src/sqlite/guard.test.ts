import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { GuardedDatabase } from './guarded-database.ts'

const SCHEMA =
  'CREATE TABLE IF NOT EXISTS info(key TEXT PRIMARY KEY, value TEXT) STRICT; CREATE TABLE IF NOT EXISTS t(v)'
const options = { mustExist: false, checkFormat: () => {} }

function temporary() {
  const path = mkdtempSync(join(tmpdir(), 'redkite-guard-'))
  return { file: join(path, 'x.db'), [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

function filled(file: string, rows: number): void {
  using db = new GuardedDatabase(file, SCHEMA, options)
  for (let i = 0; i < rows; i++) db.prepare('INSERT INTO t VALUES (?)').run(`value ${i} ${'x'.repeat(500)}`)
}

describe('a guarded database', () => {
  it('opens again and again with what was written', () => {
    using place = temporary()
    for (let round = 1; round <= 3; round++) {
      filled(place.file, 100)
      using db = new GuardedDatabase(place.file, SCHEMA, options)
      assert.equal(db.prepare('SELECT count(*) AS n FROM t').get()?.['n'], round * 100)
      assert.deepEqual(db.remarks, [])
    }
  })

  it('is refused where one value has changed, which SQLite does not notice', () => {
    using place = temporary()
    filled(place.file, 100)
    const bytes = readFileSync(place.file)
    bytes.write('Value', bytes.indexOf('value 50'))
    writeFileSync(place.file, bytes)
    assert.throws(() => new GuardedDatabase(place.file, SCHEMA, options), {
      name: 'StartError',
      exitCode: 74,
      message: /x\.db: the file is damaged: 1 of \d+ pages is not as written/,
    })
  })

  it('is refused where it is an older copy of itself', () => {
    using place = temporary()
    filled(place.file, 10)
    const [older, sums] = [readFileSync(place.file), readFileSync(`${place.file}.sums`)]
    filled(place.file, 10)
    writeFileSync(place.file, older)
    writeFileSync(`${place.file}.sums`, sums)
    assert.throws(() => new GuardedDatabase(place.file, SCHEMA, options), /acknowledged changes are missing/)
  })

  it('opens without its sums or its mark, says so, and makes them again', () => {
    using place = temporary()
    filled(place.file, 50)
    for (const kind of ['sums', 'mark']) {
      rmSync(`${place.file}.${kind}`)
      {
        using db = new GuardedDatabase(place.file, SCHEMA, options)
        assert.match(db.remarks.join(), new RegExp(`x\\.db\\.${kind}: was missing and is`))
      }
      using again = new GuardedDatabase(place.file, SCHEMA, options)
      assert.deepEqual(again.remarks, [])
    }
  })
})
