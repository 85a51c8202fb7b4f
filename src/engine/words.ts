/**
 * Vectors as the engine's kernels read them: one Float32Array of words, whatever the type. Float16, BFloat16 and Int8
 * widen to float32, which holds each of their values exactly, so an exact search over the words is exact over the
 * vectors. Binary vectors keep their bits, padded with zeros to whole words; a sparse row is its number of values and
 * then the row's bytes. Words of those two are bits that no one may read as numbers: only copied, which keeps them.
 */
import { type PackedData, rowBytes, type VectorData, type VectorKind } from '../model/vectors.ts'

/** Words of one row; 0 for sparse rows, which have their own lengths. */
export function rowWords(kind: VectorKind, dim: number): number {
  if (kind === 'sparseVector') return 0
  return kind === 'binaryVector' ? Math.ceil(dim / 32) : dim
}

/** The words of a column's rows, in shared memory where they are not a view of the column. */
export function wordsOf(data: VectorData): Float32Array {
  switch (data.kind) {
    case 'floatVector':
      return data.values
    case 'sparseVector':
      return sparseWords(data.values)
    case 'binaryVector':
      return binaryWords(data)
    default:
      return widened(data)
  }
}

const shared = (words: number) => new Float32Array(new SharedArrayBuffer(words * 4))

function widened({ kind, values }: PackedData): Float32Array {
  if (kind === 'int8Vector') {
    const words = shared(values.byteLength)
    words.set(new Int8Array(values.buffer, values.byteOffset, values.byteLength))
    return words
  }
  // halves may begin at an odd address
  const aligned = values.byteOffset % 2 === 0 ? values : values.slice()
  const count = aligned.byteLength >> 1
  const words = shared(count)
  if (kind === 'float16Vector') {
    words.set(new Float16Array(aligned.buffer, aligned.byteOffset, count))
    return words
  }
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, count)
  const bits = new Uint32Array(words.buffer)
  for (let i = 0; i < count; i++) bits[i] = (halves[i] ?? 0) << 16
  return words
}

function binaryWords({ kind, dim, values }: PackedData): Float32Array {
  const bytes = rowBytes(kind, dim)
  const width = rowWords(kind, dim) * 4
  const rows = bytes === 0 ? 0 : values.byteLength / bytes
  const words = shared((rows * width) / 4)
  const target = new Uint8Array(words.buffer)
  if (width === bytes) target.set(values)
  else for (let row = 0; row < rows; row++) target.set(values.subarray(row * bytes, (row + 1) * bytes), row * width)
  return words
}

function sparseWords(rows: readonly Uint8Array[]): Float32Array {
  const words = shared(rows.reduce((sum, row) => sum + 1 + row.byteLength / 4, 0))
  const counts = new Uint32Array(words.buffer)
  const bytes = new Uint8Array(words.buffer)
  let at = 0
  for (const row of rows) {
    counts[at] = row.byteLength / 8
    bytes.set(row, (at + 1) * 4)
    at += 1 + row.byteLength / 4
  }
  return words
}
