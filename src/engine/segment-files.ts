/**
 * A segment on disk: `segment-<sequence>/` with the native library's own files under `native/`, `rows.bits` (which
 * row ids it holds) and `segment.json`, written last. A folder without a valid marker is no segment. The marker
 * holds size and CRC-32 of every file: a native library is shown only files that are as they were written, because
 * zvec 0.7.0 crashes the process on an emptied manifest and silently loses rows on a damaged map.
 */
import { closeSync, fsyncSync, openSync, readdirSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { fieldTypes } from '../model/fields/table.ts'
import { metricTypes } from '../model/schema.ts'

/** Names within a segment folder. */
export const MARKER = 'segment.json'
export const ROWS = 'rows.bits'
export const NATIVE = 'native'
/** Of the folder and its marker; any other is rebuilt. */
export const FORMAT = 6

const READ_BYTES = 1 << 20

const typeNames = Object.keys(fieldTypes)
const isTypeName = (name: unknown): name is keyof typeof fieldTypes =>
  typeof name === 'string' && typeNames.includes(name)

const markerSchema = z.object({
  format: z.literal(FORMAT),
  library: z.string(),
  version: z.string(),
  /** Later builds win where two segments overlap (a crash between publishing one and deleting what it replaces). */
  sequence: z.int().nonnegative(),
  /** The segment stands for every row id in (after, upTo]; ids not in `rows.bits` were dead when it was built. */
  after: z.int().nonnegative(),
  upTo: z.int().positive(),
  count: z.int().positive(),
  dim: z.int().positive(),
  metric: z.enum(metricTypes),
  m: z.int().positive(),
  efConstruction: z.int().positive(),
  /** Width of the graph search that reaches recall@10 .99 here, when the caller names none. */
  ef: z.int().positive(),
  carried: z.array(z.object({ name: z.string(), type: z.custom<keyof typeof fieldTypes>(isTypeName) })),
  /** Names of carried fields whose every value is stored exactly: filters on these may be pushed down. */
  exact: z.array(z.string()),
  files: z.array(
    z.object({
      path: z.string(),
      bytes: z.int().nonnegative(),
      crc32: z.int().nonnegative(),
      /** Offset and length of bytes counted as zero: the library rewrites them whenever it closes the file. */
      volatile: z.array(z.tuple([z.int().nonnegative(), z.int().positive()])),
    }),
  ),
})

/** The parsed `segment.json`. */
export type SegmentMarker = z.infer<typeof markerSchema>
/** One file as it was when the segment was published; its path is relative, with `/`. */
export type FileSum = SegmentMarker['files'][number]

/** The folder of the segment with this sequence number. */
export const segmentDirectory = (root: string, sequence: number): string => join(root, `segment-${sequence}`)

/** Null when there is no marker or it does not parse: the folder is then an unfinished or damaged build. */
export async function readMarker(directory: string): Promise<SegmentMarker | null> {
  try {
    return markerSchema.parse(JSON.parse(await readFile(join(directory, MARKER), 'utf8')))
  } catch {
    return null
  }
}

/** Atomic and durable: written aside, fsynced, renamed, and the folder fsynced. Blocks: for worker threads. */
export function writeMarker(directory: string, marker: SegmentMarker): void {
  const aside = join(directory, `${MARKER}.new`)
  writeDurably(aside, Buffer.from(JSON.stringify(marker)))
  renameSync(aside, join(directory, MARKER))
  syncPath(directory)
}

/** Written and fsynced when it returns. Blocks. */
export function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w')
  try {
    writeSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function syncPath(path: string): void {
  // Windows cannot open a folder for syncing; NTFS journals the rename by itself.
  if (process.platform === 'win32') return
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Places in a file. */
export type ByteRanges = readonly (readonly [offset: number, length: number])[]

/** Size and CRC-32 of every file but the marker, each also fsynced. Blocks: for worker threads and processes. */
export function sumFiles(directory: string, volatile: (path: string) => ByteRanges): FileSum[] {
  return listFiles(directory).map((path) => {
    const ranges = volatile(path)
    const { bytes, sum } = sumFile(join(directory, path), ranges, true)
    return { path, bytes, crc32: sum, volatile: ranges.map(([offset, length]) => [offset, length]) }
  })
}

function sumFile(path: string, volatile: ByteRanges, sync: boolean): { bytes: number; sum: number } {
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  const file = openSync(path, sync ? 'r+' : 'r')
  try {
    let bytes = 0
    let sum = 0
    for (;;) {
      const read = readSync(file, buffer, 0, READ_BYTES, null)
      if (read === 0) break
      for (const [offset, length] of volatile) {
        const from = Math.max(0, offset - bytes)
        const to = Math.min(read, offset + length - bytes)
        if (from < to) buffer.fill(0, from, to)
      }
      sum = crc32(buffer.subarray(0, read), sum)
      bytes += read
    }
    if (sync) fsyncSync(file)
    return { bytes, sum }
  } finally {
    closeSync(file)
  }
}

/** Relative paths with `/`, sorted, without the marker. */
function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path !== MARKER && statSync(join(directory, path)).isFile())
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
}

/** Null when every file is as recorded, else what differs. Blocks: for worker threads. */
export function differingFile(directory: string, recorded: readonly FileSum[]): string | null {
  const found = new Set(listFiles(directory))
  for (const { path, bytes, crc32: recordedSum, volatile } of recorded) {
    if (!found.delete(path)) return `${path} is missing`
    const got = sumFile(join(directory, path), volatile, false)
    if (got.bytes !== bytes) return `${path} has ${got.bytes} bytes, not ${bytes}`
    if (got.sum !== recordedSum) return `${path} has changed (CRC-32 ${got.sum}, not ${recordedSum})`
  }
  const [extra] = found
  return extra === undefined ? null : `${extra} does not belong there`
}
