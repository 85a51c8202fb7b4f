/**
 * kill -9 of the server under mixed writes, sealing, and making and dropping of collections and partitions, many times on
 * one data directory; a checker in a process of its own knows only what the journal says was asked and acknowledged.
 * 50 rounds, fewer where a busy machine needs more than 100 seconds for them; REDKITE_TEST_LONG=1 makes them 1,000,
 * REDKITE_KILL_ROUNDS any number, however long that takes.
 */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { churn, JournaledRows, mainCollection, writeRows } from '../support/kill-clients.ts'
import { KillJournal } from '../support/kill-journal.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { createRowsCollection, storedRows } from '../support/writing-clients.ts'

const ROUNDS = Number(process.env['REDKITE_KILL_ROUNDS'] ?? (process.env['REDKITE_TEST_LONG'] === '1' ? 1_000 : 50))
const MS_MAX = ROUNDS === 50 ? 100_000 : Number.POSITIVE_INFINITY
const CLIENTS = 3
/** Acknowledgements of all clients in a round, besides the first ten. */
const ACKNOWLEDGED_MAX = 100
/** From the start of a round's writing to that of a build. */
const BUILD_MS = 1_000
const PLAIN = { kind: 'plain' } as const
const args = ['--set', 'redkite.engine.sealRows=60']

it(`loses no acknowledged write in ${ROUNDS} kills`, { timeout: 60_000 + ROUNDS * 10_000 }, async (t) => {
  using place = temporary()
  const data = join(place.path, 'data')
  const path = join(place.path, 'journal')
  using journal = new KillJournal(path)
  const checker = fork(fileURLToPath(new URL('../support/kill-checker.ts', import.meta.url)), [path, `${CLIENTS}`])
  try {
    const began = performance.now()
    for (let [round, last] = [0, ROUNDS]; round <= last; round++) {
      await using served = await startRedkite({ data, args })
      if (round === 0) await makeCollections(served)
      checker.send(served.port)
      const [wrong] = await once(checker, 'message')
      assert.equal(wrong, null, `round ${round}: ${wrong}`)
      if (performance.now() - began > MS_MAX) last = round
      if (round === last) t.diagnostic(`${round} kills, ${journal.acknowledged} writes acknowledged`)
      else await writeUntilKilled(served, journal, round)
    }
  } finally {
    checker.kill('SIGKILL')
  }
})

async function makeCollections(served: Served): Promise<void> {
  const client = nodeClient(served.port, PLAIN)
  for (let i = 0; i < CLIENTS; i++) await createRowsCollection(client, mainCollection(i))
  await client.closeConnection()
}

async function writeUntilKilled(served: Served, journal: KillJournal, round: number): Promise<void> {
  let over = false
  const isOver = () => over
  const client = nodeClient(served.port, PLAIN)
  try {
    // A pause in the writing of a collection starts a build: now and then the kill falls into one.
    const isBuildRound = round % 10 === 4
    const isEnough = () => over || (isBuildRound && performance.now() - began > 200)
    const all = Array.from({ length: CLIENTS }, (_, writer) => new JournaledRows(journal, writer))
    for (const [writer, rows] of all.entries()) rows.adopt(await storedRows(client, mainCollection(writer), rows))
    const began = performance.now()
    const writing = all.map(async (rows, writer) => {
      await writeRows(client, rows, writer, writer === 0 ? isOver : isEnough)
    })
    writing.push(churn(client, journal, round * 1_000, isOver))
    const enough = journal.acknowledged + 10 + Math.floor(Math.random() * ACKNOWLEDGED_MAX)
    await eventually(() => journal.acknowledged >= enough, 30_000)
    if (isBuildRound) await wait(BUILD_MS * Math.random())
    over = true
    await served.kill('SIGKILL')
    await Promise.all(writing)
  } finally {
    await client.closeConnection()
  }
}
