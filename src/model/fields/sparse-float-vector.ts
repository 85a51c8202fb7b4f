import { fault } from '../../errors/error.ts'
import type { FieldSchema } from '../schema.ts'
import { badJson } from './bad-value.ts'
import { type FieldType, isValid } from './field-type.ts'

const PAIR_BYTES = 8
/** 2^32 - 1 is no index. */
const INDEX_MAX = 0xffff_fffe
const EMPTY = new Uint8Array(0)

/** SparseFloatVector: pairs of index and value, indexes strictly ascending; a row may be empty. */
export const sparseFloatVector: FieldType = {
  fromJson: (field, values) => ({
    kind: 'sparseVector',
    values: values.map((value, row) => {
      if (value === undefined || value === null) return EMPTY
      const bytes = sparseFromJson(value)
      if (bytes === null) throw badJson(field, row, value)
      return bytes
    }),
  }),
  check(field, column) {
    if (column.data.kind !== 'sparseVector') return
    column.data.values.forEach((bytes, row) => {
      if (isValid(column, row)) checkSparse(bytes, `field ${field.name}, row ${row}`)
    })
  },
  fill: (_: FieldSchema, rowCount) => ({ kind: 'sparseVector', values: new Array<Uint8Array>(rowCount).fill(EMPTY) }),
}

/**
 * Milvus' rules for one sparse row, stored or asked for, with its texts.
 * @param where named behind the text
 * @throws RedkiteError `invalidParameter`
 */
export function checkSparse(bytes: Uint8Array, where: string): void {
  const refuse = (text: string) => fault('invalidParameter', `${text} (${where})`)
  if (bytes.byteLength % PAIR_BYTES !== 0) {
    throw refuse(`invalid data length in sparse float vector: ${bytes.byteLength}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let last = -1
  for (let at = 0; at < bytes.byteLength; at += PAIR_BYTES) {
    const index = view.getUint32(at, true)
    const value = view.getFloat32(at + 4, true)
    if (index > INDEX_MAX) throw refuse('invalid index in sparse float vector: must be less than 2^32-1')
    if (index <= last) throw refuse('unsorted or same indices in sparse float vector')
    if (!Number.isFinite(value)) throw refuse(`value '${value}' is not a number or infinity`)
    if (value < 0) throw refuse('negative value in sparse float vector')
    last = index
  }
}

/**
 * The bytes of `{"1": 0.5}` or `{"indices": [1], "values": [0.5]}`, sorted by index; null for anything else. Values are
 * checked by `checkSparse`.
 */
export function sparseFromJson(value: unknown): Uint8Array | null {
  const pairs = pairsOf(value)
  if (pairs === null) return null
  pairs.sort(([a], [b]) => a - b)
  const bytes = new Uint8Array(pairs.length * PAIR_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [i, [index, number]] of pairs.entries()) {
    if (!Number.isInteger(index) || index < 0 || index > INDEX_MAX) return null
    view.setUint32(i * PAIR_BYTES, index, true)
    view.setFloat32(i * PAIR_BYTES + 4, number, true)
  }
  return bytes
}

function pairsOf(value: unknown): [number, number][] | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const given = new Map<string, unknown>(Object.entries(value))
  const indices = given.get('indices')
  const values = given.get('values')
  let pairs: [unknown, unknown][]
  if (Array.isArray(indices) && Array.isArray(values)) {
    if (indices.length !== values.length || given.size !== 2) return null
    pairs = indices.map((index, i) => [index, values[i]])
  } else pairs = [...given].map(([key, number]) => [/^\d{1,10}$/.test(key) ? Number(key) : null, number])
  const found: [number, number][] = []
  for (const [index, number] of pairs) {
    if (typeof index !== 'number' || typeof number !== 'number') return null
    found.push([index, number])
  }
  return found
}

/** The row as REST shows it: `{"1": 0.5}`. */
export function sparseToJson(bytes: Uint8Array, show: (value: number) => number): Record<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shown: Record<string, number> = {}
  for (let at = 0; at + PAIR_BYTES <= bytes.byteLength; at += PAIR_BYTES) {
    shown[String(view.getUint32(at, true))] = show(view.getFloat32(at + 4, true))
  }
  return shown
}
