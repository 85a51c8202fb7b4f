/** The lines that a start prints work when pasted, as they stand. */
import assert from 'node:assert/strict'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { curl, python, run, runPython } from '../support/tools.ts'

const place = temporary()
let set: CertSet
before(async () => {
  set = await createSet(join(place.path, 'own'))
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(place.path, 'node_modules'))
})
after(() => place[Symbol.dispose]())

/** The code under a title, without its indentation. */
function linesUnder(title: string, served: Served): string {
  const [, code = ''] = served.stdout().split(`${title}`)
  return code
    .slice(code.indexOf('\n') + 1)
    .replace(/\n(?! {2})[\s\S]*$/, '')
    .replace(/^ {2}/gm, '')
}

/** What each client answers to its lines. */
async function paste(served: Served): Promise<Readonly<Record<string, string>>> {
  // the ready file comes before the lines
  await eventually(() => /^ {2}curl .*\n/m.test(served.stdout()))
  const node = `${linesUnder('Node (', served)}\nconsole.log((await client.checkHealth()).isHealthy)\nawait client.closeConnection()\n`
  writeFileSync(join(place.path, 'pasted.mjs'), node)
  const ran = {
    python: python.skip ? null : await runPython(`${linesUnder('Python (', served)}\nprint(client.list_collections())`),
    node: await run(process.execPath, ['pasted.mjs'], { cwd: place.path }),
    curl: curl.skip ? null : await run('sh', ['-c', linesUnder('curl (', served)]),
  }
  return Object.fromEntries(
    Object.entries(ran).flatMap(([who, end]) =>
      end ? [[who, end.exitCode === 0 ? end.stdout.trim() : end.stderr]] : [],
    ),
  )
}

const wanted = {
  ...(python.skip ? {} : { python: '[]' }),
  node: 'true',
  ...(curl.skip ? {} : { curl: '{"code":0,"data":[]}' }),
}

describe('the ready lines', () => {
  for (const [name, args] of [
    ['with --auto-tls', () => ['--auto-tls']],
    ['in the clear', () => []],
    ['on an address', () => ['--auto-tls', '--host', '127.0.0.1']],
    ['in one-way mode with own certificates', () => ['--tls', 'one-way', '--tls-dir', set.dir]],
    ['in mutual mode, REST on a port of its own', () => ['--tls', 'mutual', '--tls-dir', set.dir, '--http-port', '0']],
  ] satisfies [string, () => string[]][]) {
    it(`work as printed ${name}`, async () => {
      await using served = await startRedkite({ args: args() })
      assert.deepEqual(await paste(served), wanted, served.stdout())
    })
  }

  it('say how to get the client pair that is not there', async () => {
    for (const file of [set.client, set.clientKey]) rmSync(file)
    await using served = await startRedkite({ args: ['--tls', 'mutual', '--tls-dir', set.dir] })
    await eventually(() => /^Ready in/m.test(served.stdout()))
    assert.match(served.stdout(), /^client {3}client\.pem .*: redkite certs renew --client --dir .*own makes them$/m)
  })
})
