/**
 * The build process: inserts, optimises and verifies one segment, then ends. A process and not a thread, because native
 * code that crashes must not take the server along, a running `optimize` cannot be interrupted in a thread (a stop
 * would wait for it), and a process can run at a lower priority than the searches beside it.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Column } from '../model/columns.ts'
import { emptyBits, putRid, type RidBits } from './bitmap.ts'
import { calibrateEf } from './calibrate.ts'
import type { SegmentBuilder, SegmentSpec } from './native/contract.ts'
import { loadZvec, whyNoZvec } from './native/zvec.ts'
import { FORMAT, NATIVE, ROWS, type SegmentMarker, sumFiles, writeDurably, writeMarker } from './segment-files.ts'
import { SAMPLE_ROWS, verifySegment } from './verify.ts'

/** What to build where: the live rows in (after, upTo] into the folder, which is emptied first. */
export interface BuildPlan {
  readonly directory: string
  readonly sequence: number
  readonly after: number
  readonly upTo: number
  readonly spec: SegmentSpec
}

/** What the server sends, in this order: `begin`, `rows` as often as needed, `finish`. */
export type BuildRequest =
  | { readonly kind: 'begin'; readonly plan: BuildPlan }
  | {
      readonly kind: 'rows'
      readonly rids: Float64Array
      readonly vectors: Float32Array
      readonly scalars: readonly Column[]
    }
  | { readonly kind: 'finish' }

/** One reply to each request, in order; `finish` answers with the marker. */
export type BuildReply =
  | { readonly kind: 'ok'; readonly marker: SegmentMarker | null }
  | { readonly kind: 'failed'; readonly reason: string }

interface Building {
  readonly plan: BuildPlan
  readonly builder: SegmentBuilder
  readonly rows: RidBits
  readonly sample: { readonly rids: number[]; readonly vectors: Float32Array[] }
  count: number
}

let building: Building | null = null

function nativeLibrary() {
  const library = loadZvec()
  if (!library) throw new Error(`no native library: ${whyNoZvec()}`)
  return library
}

function begin(plan: BuildPlan): void {
  rmSync(plan.directory, { recursive: true, force: true })
  mkdirSync(plan.directory, { recursive: true })
  building = {
    plan,
    builder: nativeLibrary().create(join(plan.directory, NATIVE), plan.spec),
    rows: emptyBits(plan.after + 1, plan.upTo - plan.after),
    sample: { rids: [], vectors: [] },
    count: 0,
  }
}

function insert(state: Building, rids: Float64Array, vectors: Float32Array, scalars: readonly Column[]): void {
  const { dim } = state.plan.spec
  state.builder.insert(rids, vectors, scalars)
  rids.forEach((rid, row) => {
    putRid(state.rows, rid, true)
    // Reservoir sampling: every row is equally likely to be compared in the end.
    const at = state.count < SAMPLE_ROWS ? state.count : Math.floor(Math.random() * (state.count + 1))
    state.count++
    if (at >= SAMPLE_ROWS) return
    state.sample.rids[at] = rid
    state.sample.vectors[at] = vectors.slice(row * dim, (row + 1) * dim)
  })
}

async function finish(state: Building): Promise<SegmentMarker> {
  const { plan, builder, count, sample } = state
  building = null
  const library = nativeLibrary()
  const { exact } = await builder.finish()
  const segment = library.open(join(plan.directory, NATIVE), plan.spec)
  let ef: number
  try {
    const wrong = await verifySegment(segment, plan.spec.metric, count, sample)
    if (wrong) throw new Error(`the built segment ${wrong}`)
    ef = await calibrateEf(segment, sample)
  } finally {
    segment.close()
  }
  // Lets a broken channel be noticed: a build whose server is gone must not publish itself beside the next server's.
  await setImmediate()
  if (!process.connected) throw new Error('the server is gone')
  writeDurably(join(plan.directory, ROWS), state.rows.bits)
  const marker: SegmentMarker = {
    format: FORMAT,
    library: library.name,
    version: library.version,
    sequence: plan.sequence,
    after: plan.after,
    upTo: plan.upTo,
    count,
    dim: plan.spec.dim,
    metric: plan.spec.metric,
    m: plan.spec.m,
    efConstruction: plan.spec.efConstruction,
    ef,
    carried: [...plan.spec.carried],
    exact: [...exact],
    files: sumFiles(plan.directory, (path) => library.volatileBytes(path)),
  }
  writeMarker(plan.directory, marker)
  return marker
}

function inProgress(): Building {
  if (!building) throw new Error('no build in progress')
  return building
}

async function answer(request: BuildRequest): Promise<BuildReply> {
  const ok = { kind: 'ok', marker: null } as const
  switch (request.kind) {
    case 'begin':
      begin(request.plan)
      return ok
    case 'rows':
      insert(inProgress(), request.rids, request.vectors, request.scalars)
      return ok
    case 'finish':
      return { ...ok, marker: await finish(inProgress()) }
  }
}

function reply(message: BuildReply): void {
  if (process.connected) process.send?.(message)
}

// The server was killed: nobody waits for this build, and native threads cannot be asked to stop.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

process.on('message', (request: BuildRequest) => {
  answer(request).then(reply, (error: unknown) => {
    building?.builder.abandon()
    building = null
    reply({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
  })
})
