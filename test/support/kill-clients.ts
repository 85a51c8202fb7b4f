/** Clients that write, make and drop until the server is killed, and note in the journal what they asked and got. */
import assert from 'node:assert/strict'
import type { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { type KillJournal, type Step, UNIT_ROWS, unitKey } from './kill-journal.ts'
import { KnownRows, rowOf, type WriteChange } from './known-rows.ts'
import { createRowsCollection, writeWithoutPause } from './writing-clients.ts'

export const KEYS_PER_CLIENT = 400
export const mainCollection = (client: number): string => `main${client}`
export const unitName = (kind: Step['kind'], unit: number): string => `${kind === 'collection' ? 't' : 'p'}${unit}`

/** A client's rows that also go to the journal. */
export class JournaledRows extends KnownRows {
  readonly #journal: KillJournal
  readonly #writer: number

  constructor(journal: KillJournal, writer: number) {
    super(writer * KEYS_PER_CLIENT, KEYS_PER_CLIENT)
    this.#journal = journal
    this.#writer = writer
  }

  override sending(change: WriteChange): void {
    this.#journal.note({ writer: this.#writer, asked: change })
    super.sending(change)
  }

  override answered(): void {
    this.#journal.note({ writer: this.#writer, answered: true })
    super.answered()
  }
}

/** Writes rows until the server is gone. */
export async function writeRows(client: MilvusClient, rows: JournaledRows, writer: number, isOver: () => boolean) {
  const { refusals } = await writeWithoutPause(client, mainCollection(writer), rows, isOver)
  assert.deepEqual(refusals, [])
}

/** Makes, fills and drops collections and partitions, and seals and compacts, until the server is gone. */
export async function churn(client: MilvusClient, journal: KillJournal, firstUnit: number, isOver: () => boolean) {
  for (let unit = firstUnit; !isOver(); unit++) {
    const kind = unit % 2 === 0 ? 'collection' : 'partition'
    try {
      for (const step of ['create', 'fill', 'drop'] as const) {
        journal.note({ writer: 'churn', asked: { kind, unit, step } })
        await run(client, { kind, unit, step })
        journal.note({ writer: 'churn', answered: true })
        // the first of every fifth round stays
        if (step === 'fill' && unit % 5_000 === 0) break
      }
    } catch (error) {
      if (isOver()) return
      throw error
    }
  }
}

async function run(client: MilvusClient, { kind, unit, step }: Step): Promise<void> {
  const name = unitName(kind, unit)
  const isCollection = kind === 'collection'
  const target = { collection_name: isCollection ? name : mainCollection(0) }
  const done = (status: { readonly error_code: unknown; readonly reason: string }) => {
    if (status.error_code !== 'Success') throw new Error(status.reason)
  }
  switch (step) {
    case 'create':
      if (isCollection) return createRowsCollection(client, name)
      return done(await client.createPartition({ ...target, partition_name: name }))
    case 'fill': {
      const data = Array.from({ length: UNIT_ROWS }, (_, i) => {
        const row = rowOf(unitKey(unit) + i, unit)
        return { ...row, vector: [...row.vector] }
      })
      const into = isCollection ? target : { ...target, partition_name: name }
      return done((await client.insert({ ...into, data })).status)
    }
    case 'drop':
      if (isCollection) return done(await client.dropCollection(target))
      done(await client.releasePartitions({ ...target, partition_names: [name] }))
      return done(await client.dropPartition({ ...target, partition_name: name }))
  }
}
