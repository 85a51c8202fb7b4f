/** What a machine can do to a server: each is told clearly, nothing acknowledged is lost, and the service recovers. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { KnownRows } from '../support/known-rows.ts'
import { refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { faketime } from '../support/tools.ts'
import { createRowsCollection, searchAgrees, storedRows, writeWithoutPause } from '../support/writing-clients.ts'

const PLAIN = { kind: 'plain' } as const
const COLLECTION = 'tried'
const onLinux = process.platform === 'linux' ? false : 'Linux only'

function counted(most: number): () => boolean {
  let done = 0
  return () => ++done > most
}

type Client = ReturnType<typeof nodeClient>

async function withClient(served: Served, work: (client: Client) => Promise<void>): Promise<void> {
  const client = nodeClient(served.port, PLAIN)
  try {
    await work(client)
  } finally {
    await client.closeConnection()
  }
}

async function allThere(client: Client, known: KnownRows): Promise<void> {
  known.settle(await storedRows(client, COLLECTION, known))
  await searchAgrees(client, COLLECTION, known.acknowledged, 10, 0.95)
}

/** Null and a skipped test where nothing can be mounted. */
function mount(t: TestContext, path: string): Disposable | null {
  mkdirSync(path)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', path]).status === 0) {
    return { [Symbol.dispose]: () => spawnSync('umount', ['-l', path]) }
  }
  t.skip('mounting a tmpfs needs Linux and root')
  return null
}

const remount = (path: string, mode: 'ro' | 'rw') =>
  assert.equal(spawnSync('mount', ['-o', `remount,${mode}`, path]).status, 0)

describe('a read-only file system', () => {
  it('refuses the start with the reason and the remedy; writable again, nothing is lost', async (t) => {
    using place = temporary()
    const disk = join(place.path, 'disk')
    using mounted = mount(t, disk)
    if (!mounted) return
    const known = new KnownRows(0, 500)
    const data = join(disk, 'data')
    {
      await using served = await startRedkite({ data })
      await withClient(served, async (client) => {
        await createRowsCollection(client, COLLECTION)
        await writeWithoutPause(client, COLLECTION, known, counted(10))
        await allThere(client, known)
      })
      assert.equal(await served.stop(), 0)
    }
    remount(disk, 'ro')
    const refused = await refusedStart({ data })
    assert.equal(refused.exitCode, 77, refused.stderr)
    assert.match(refused.stderr, /data directory \S+ cannot be used: .*read-?only/i)
    assert.match(refused.stderr, /hint: give the user of the server write permission/)
    remount(disk, 'rw')
    await using served = await startRedkite({ data })
    await withClient(served, async (client) => {
      await allThere(client, known)
      await writeWithoutPause(client, COLLECTION, known, counted(5))
      await allThere(client, known)
    })
  })
})

/** Of a process: how many descriptors it may have. */
function limitFiles(pid: number, most: number): void {
  const done = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
}

describe('a server without free file descriptors', { skip: onLinux }, () => {
  it('says so, keeps serving who is connected, and goes on when there are some again', async () => {
    const known = new KnownRows(0, 500)
    await using served = await startRedkite()
    const pid = served.ready.pid
    await withClient(served, async (client) => {
      await createRowsCollection(client, COLLECTION)
      await writeWithoutPause(client, COLLECTION, known, counted(10))
      limitFiles(pid, readdirSync(`/proc/${pid}/fd`).length)
      const made = await createRowsCollection(client, 'one_more').then(
        () => null,
        (error: unknown) => error as { readonly reason?: string; readonly message?: string },
      )
      assert.match(
        made?.reason ?? made?.message ?? 'it was made',
        /row store: .*(cannot be|file descriptors|too many)/i,
      )
      await writeWithoutPause(client, COLLECTION, known, counted(10))
      await allThere(client, known)
      limitFiles(pid, 4096)
      await createRowsCollection(client, 'one_more')
    })
    await withClient(served, (client) => allThere(client, known))
    assert.equal(await served.stop(), 0)
  })
})

describe('a clock that is set back', { skip: faketime.skip }, () => {
  it('never makes a timestamp or an id come twice', async () => {
    using place = temporary()
    const data = join(place.path, 'data')
    const stamps: bigint[] = []
    const ids: bigint[] = []
    for (const offset of ['+86400', '+0', '-86400']) {
      await using served = await startRedkite({ data, env: faketime.at(`${offset}s`) })
      await withClient(served, async (client) => {
        await createRowsCollection(client, `c${ids.length}`)
        const { collectionID, created_timestamp: created } = await client.describeCollection({
          collection_name: `c${ids.length}`,
        })
        ids.push(BigInt(collectionID))
        stamps.push(BigInt(created))
      })
      assert.equal(await served.stop(), 0)
    }
    const rising = (values: readonly bigint[]) => values.every((value, i) => i === 0 || value > (values[i - 1] ?? 0n))
    assert.ok(rising(stamps), stamps.join(' '))
    assert.ok(rising(ids), ids.join(' '))
  })
})

/** Does something to each build process of the server until a build has failed. */
async function harmBuilds(served: Served, harm: (pid: number) => void): Promise<void> {
  const { pid } = served.ready
  const seen = new Set<number>()
  await eventually(() => {
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)) {
      if (!seen.has(Number(child))) harm(Number(child))
      seen.add(Number(child))
    }
    return /segment build failed/.test(served.log())
  }, 30_000)
}

const hasChildren = existsSync('/proc/self/task') && existsSync(`/proc/self/task/${process.pid}/children`)

describe('a build process', { skip: hasChildren ? false : 'no list of child processes here' }, () => {
  const harms = {
    'that is killed': { harm: (pid: number) => process.kill(pid, 'SIGKILL'), says: /the build process ended: SIGKILL/ },
    'that runs out of memory': {
      harm: (pid: number) => spawnSync('prlimit', ['--pid', String(pid), '--as=100000000']),
      says: /the build process ended: \S+|memory|bad_alloc/i,
    },
  }
  for (const [how, { harm, says }] of Object.entries(harms)) {
    it(`${how} costs nothing: rows are searched exactly until the next one is done`, async () => {
      const known = new KnownRows(0, 1_000)
      await using served = await startRedkite({ args: ['--set', 'redkite.engine.sealRows=200'] })
      await withClient(served, async (client) => {
        await createRowsCollection(client, COLLECTION)
        await writeWithoutPause(client, COLLECTION, known, () => known.acknowledged.size > 400)
        await harmBuilds(served, harm)
        const [failed] = await served.logged(/segment build failed, its rows are still searched exactly.*/)
        assert.match(failed, says)
        await allThere(client, known)
        await served.logged(/segment built/)
        await allThere(client, known)
      })
      assert.equal(await served.stop(), 0)
    })
  }
})
