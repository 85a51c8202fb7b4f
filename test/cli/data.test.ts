/** `redkite data check` and `redkite data describe` on the files of a stopped server. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { KnownRows } from '../support/known-rows.ts'
import { redkite, startRedkite, temporary } from '../support/server.ts'
import { createRowsCollection, writeWithoutPause } from '../support/writing-clients.ts'

function find(data: string, pattern: RegExp): string {
  const found = readdirSync(data, { recursive: true, encoding: 'utf8' }).find((path) => pattern.test(path))
  assert.ok(found, `${pattern} is there`)
  return join(data, found)
}

it('finds a whole store sound, tells derived files from lost rows, and describes what serves an index', async () => {
  using place = temporary()
  const data = join(place.path, 'data')
  const known = new KnownRows(0, 2_000)
  {
    await using served = await startRedkite({ data, args: ['--set', 'redkite.engine.sealRows=200'] })
    const client = nodeClient(served.port, { kind: 'plain' })
    await createRowsCollection(client, 'checked')
    await writeWithoutPause(client, 'checked', known, () => known.acknowledged.size > 400)
    await eventually(
      () => readdirSync(data, { recursive: true, encoding: 'utf8' }).some((p) => p.endsWith('segment.json')),
      30_000,
    )
    const inUse = await redkite(['data', 'check', '--data', data])
    assert.equal(inUse.exitCode, 75, inUse.stderr)
    await client.closeConnection()
    assert.equal(await served.stop(), 0)
  }
  const sound = await redkite(['data', 'check', '--data', data])
  assert.equal(sound.exitCode, 0, sound.stdout)
  assert.match(sound.stdout, new RegExp(`1 collections, ${known.acknowledged.size} rows: sound`))

  const described = await redkite(['data', 'describe', '--data', data])
  assert.match(described.stdout, /default +checked +\d+ +\d+ +vector +HNSW L2 +graph \(M 16\)/, described.stderr)

  rmSync(find(data, /segment\.json$/))
  const derived = await redkite(['data', 'check', '--data', data])
  assert.equal(derived.exitCode, 0)
  assert.match(
    derived.stdout,
    /derived +\S+segment-\d+: the build was not finished, or its marker is damaged\n +fix: nothing to do/,
  )

  const rows = find(data, /rows\.db$/)
  const bytes = readFileSync(rows)
  const at = bytes.lastIndexOf(Buffer.from('"version"'))
  assert.ok(at > 0, 'a value of a row')
  bytes.write('"Version"', at)
  writeFileSync(rows, bytes)
  const damaged = await redkite(['data', 'check', '--data', data, '-o', 'json'])
  assert.equal(damaged.exitCode, 1)
  const { findings } = JSON.parse(damaged.stdout) as {
    findings: { level: string; file: string; what: string; remedy: string }[]
  }
  const [finding] = findings.filter(({ level }) => level === 'damage')
  assert.equal(finding?.file, rows)
  assert.match(finding?.what ?? '', /1 of \d+ pages is not as written/)
  assert.match(finding?.remedy ?? '', /backup restore/)

  const nothing = await redkite(['data', 'check', '--data', place.path])
  assert.equal(nothing.exitCode, 78)
})
