/** Every file of `examples/`, run as its first lines say against a started server. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { curl, python, run } from '../support/tools.ts'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
const LINES_MAX = 60

interface Example {
  readonly path: string
  readonly mode: 'one-way' | 'mutual'
  readonly program: string
  readonly skip?: string | false
  readonly prints: readonly RegExp[]
}

const words = [/stored 3 rows/, /hawk 0\.998/, /stone 0\.000/]
const all: readonly Example[] = [
  { path: 'node/quick-start.mjs', mode: 'one-way', program: process.execPath, prints: words },
  {
    ...{ path: 'node/mutual-tls.mjs', mode: 'mutual', program: process.execPath },
    prints: [/connected to v2\.6\./, /users: root/, /refused without a certificate/],
  },
  { path: 'python/quick_start.py', mode: 'one-way', program: python.path, skip: python.skip, prints: words },
  {
    ...{ path: 'curl/rest.sh', mode: 'one-way', program: 'sh' },
    skip: process.platform === 'win32' ? 'no POSIX shell' : curl.skip,
    prints: [/"insertCount":3/, /"word":"hawk".*"word":"stone"/],
  },
  {
    ...{ path: 'rag/rag.mjs', mode: 'one-way', program: process.execPath },
    prints: [/^Answer from these passages only:\n- The first kites were made in China/, /\(kites\.txt\)/],
  },
]

describe('examples/', () => {
  const place = temporary()
  let set: CertSet
  const servers = new Map<Example['mode'], Served>()
  before(async () => {
    set = await createSet(join(place.path, 'certs'))
    for (const mode of ['one-way', 'mutual'] as const) {
      const auth = `common.security.authorizationEnabled=${mode === 'mutual'}`
      servers.set(mode, await startRedkite({ args: ['--tls', mode, '--tls-dir', set.dir, '--set', auth] }))
    }
  })
  after(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]()
    place[Symbol.dispose]()
  })

  it('are all in this test, and short', () => {
    const files = globSync('*/*', { cwd: examples }).map((path) => path.replaceAll('\\', '/'))
    assert.deepEqual(files.toSorted(), all.map(({ path }) => path).toSorted())
    for (const path of files) {
      const lines = readFileSync(join(examples, path), 'utf8').trimEnd().split('\n').length
      assert.ok(lines <= LINES_MAX, `${path} has ${lines} lines`)
    }
  })

  for (const { path, mode, program, skip = false, prints } of all) {
    it(path, { skip }, async () => {
      const env = {
        REDKITE_URI: `https://localhost:${servers.get(mode)?.port}`,
        ...{ REDKITE_CA: set.ca, REDKITE_TLS_DIR: set.dir, PYTHONWARNINGS: 'ignore' },
      }
      const ran = await run(program, [join(examples, path)], { cwd: place.path, env })
      assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr)
      for (const line of prints) assert.match(ran.stdout, line)
    })
  }
})
