/** Opening an index: which segment folders can be trusted, and which rows must be loaded to serve the rest exactly. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../observe/log.ts'
import { checkSegments, chunkRows } from './build.ts'
import type { FieldIndexOptions, VectorSource } from './contract.ts'
import type { NativeLibrary } from './native/contract.ts'
import type { Parts } from './parts.ts'
import { SealedSegment } from './segment.ts'
import { readMarker, type SegmentMarker } from './segment-files.ts'

/** Rows of an opened segment compared with the row store, one by one. */
const COMPARED_ROWS = 8
const UNFINISHED = 'the build was not finished or its marker is damaged'
const REPLACED = 'replaced by a newer segment'

interface Candidate {
  readonly directory: string
  readonly marker: SegmentMarker
}

/** What opening found, besides what it put into the parts. */
export interface Recovered {
  /** The first sequence number no folder has used. */
  readonly nextSequence: number
  /** Segments that were there and could not be trusted. */
  readonly lost: number
}

/**
 * Fills empty parts: every trustworthy segment, then the rows no segment covers. Folders that are not trusted are
 * deleted. Without a native library everything is loaded as growing rows and the folders are left alone.
 */
export async function recover(
  options: FieldIndexOptions,
  library: NativeLibrary | null,
  parts: Parts,
  log: Log,
): Promise<Recovered> {
  await mkdir(options.directory, { recursive: true })
  const names = await readdir(options.directory)
  const sequences = names.map((name) => Number(/^segment-(\d+)$/.exec(name)?.[1] ?? -1))
  let lost = 0
  if (library) {
    const { usable, refused } = await choose(options, library, names)
    const opened = await openAll(options, library, usable)
    for (const segment of opened.segments) parts.addSegment(segment)
    for (const { name, reason } of [...refused, ...opened.refused]) {
      if (reason === REPLACED) continue
      lost++
      log.warn('segment cannot be used, its rows are searched exactly until it is rebuilt', { segment: name, reason })
    }
    const kept = new Set(opened.segments.map((segment) => segment.directory))
    for (const name of names) {
      const path = join(options.directory, name)
      if (!kept.has(path)) await discard(path, log)
    }
  }
  await loadUncovered(options, parts)
  return { nextSequence: Math.max(0, ...sequences) + 1, lost }
}

/**
 * After a kill, the build process of the former server may write there for another moment. What cannot be deleted now
 * is no segment, its number is not used again, and the next start deletes it.
 */
async function discard(path: string, log: Log): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 4, retryDelay: 50 })
  } catch (error) {
    log.warn('a folder that is no segment cannot be deleted yet', { path, error })
  }
}

interface Refused {
  readonly name: string
  readonly reason: string
}

async function choose(
  options: FieldIndexOptions,
  library: NativeLibrary,
  names: readonly string[],
): Promise<{ readonly usable: readonly Candidate[]; readonly refused: readonly Refused[] }> {
  const refused: Refused[] = []
  const candidates: (Candidate & { readonly name: string })[] = []
  for (const name of names) {
    const directory = join(options.directory, name)
    const marker = await readMarker(directory)
    const reason = marker ? mismatch(options, library, marker) : UNFINISHED
    if (marker && reason === null) candidates.push({ name, directory, marker })
    else refused.push({ name, reason: reason ?? UNFINISHED })
  }
  const differences = await checkSegments(candidates.map(({ directory, marker }) => ({ directory, marker })))
  const usable: Candidate[] = []
  // Newest first, so that of two overlapping segments the one that replaced the other stays.
  const order = candidates.map((candidate, i) => ({ candidate, differs: differences[i] ?? null }))
  for (const { candidate, differs } of order.sort(
    (a, b) => b.candidate.marker.sequence - a.candidate.marker.sequence,
  )) {
    const { marker, name } = candidate
    if (differs !== null) refused.push({ name, reason: differs })
    else if (usable.some((other) => marker.after < other.marker.upTo && other.marker.after < marker.upTo)) {
      refused.push({ name, reason: REPLACED })
    } else usable.push(candidate)
  }
  return { usable, refused }
}

/** Null when the segment was built as the index is defined today and not from a future of the row store. */
function mismatch(options: FieldIndexOptions, library: NativeLibrary, marker: SegmentMarker): string | null {
  const { dim, metric, m, efConstruction, kind, source } = options
  if (kind !== 'graph') return 'the index has no graph'
  if (marker.library !== library.name || marker.version !== library.version) {
    return `built by ${marker.library} ${marker.version}, not ${library.name} ${library.version}`
  }
  if (marker.dim !== dim || marker.metric !== metric || marker.m !== m || marker.efConstruction !== efConstruction) {
    return 'built with other index parameters'
  }
  if (marker.upTo > source.lastRid())
    return `holds rows up to ${marker.upTo}, the row store ends at ${source.lastRid()}`
  return null
}

async function openAll(
  options: FieldIndexOptions,
  library: NativeLibrary,
  usable: readonly Candidate[],
): Promise<{ readonly segments: readonly SealedSegment[]; readonly refused: readonly Refused[] }> {
  const segments: SealedSegment[] = []
  const refused: Refused[] = []
  for (const { directory, marker } of usable) {
    let segment: SealedSegment | null = null
    let reason: string | null
    try {
      segment = SealedSegment.open(library, directory, marker)
      reason = await differsFromStore(segment, options.source)
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
    }
    if (segment && reason === null) {
      for (const rid of await options.source.dead(marker.after, marker.upTo)) segment.remove(rid)
      segments.push(segment)
    } else {
      await segment?.retire(false)
      refused.push({ name: directory, reason: reason ?? 'unreadable' })
    }
  }
  return { segments, refused }
}

/** Sums prove the files; this proves that they belong to this row store (not to a restored older one). */
async function differsFromStore(segment: SealedSegment, source: VectorSource): Promise<string | null> {
  const { after, upTo, dim, metric } = segment.marker
  for (let i = 0; i < COMPARED_ROWS; i++) {
    const from = after + Math.floor(((upTo - after) * i) / COMPARED_ROWS)
    const { rids, vectors } = await source.read(from, upTo, 1)
    const rid = rids[0]
    if (rid === undefined) break
    const stored = segment.native.fetch([rid]).get(rid)
    if (!stored || !segment.isLive(rid)) return `row ${rid} is missing`
    const near = (value: number, at: number) =>
      Math.abs(value - (vectors[at] ?? 0)) <= (metric === 'COSINE' ? 1e-5 * Math.abs(value) : 0)
    if (stored.length !== dim || !stored.every(near)) return `row ${rid} differs from the row store`
  }
  return null
}

/** Rows no segment covers, gaps first, then the tail; repeats until nothing was committed while it read. */
async function loadUncovered({ source, dim }: FieldIndexOptions, parts: Parts): Promise<void> {
  let after = 0
  for (const { marker } of parts.segments) {
    await load(source, dim, parts, after, marker.after)
    after = marker.upTo
  }
  do {
    const upTo = source.lastRid()
    await load(source, dim, parts, after, upTo)
    after = upTo
    parts.remove(await source.dead(0, upTo))
  } while (source.lastRid() > after)
}

async function load(source: VectorSource, dim: number, parts: Parts, after: number, upTo: number): Promise<void> {
  for (let from = after; from < upTo; ) {
    const { rids, vectors } = await source.read(from, upTo, chunkRows(dim))
    const last = rids.at(-1)
    if (last === undefined) return
    parts.growing.appendRows(rids, vectors)
    from = last
  }
}
