/** A row store in memory, for the engine's tests: what SQLite is in the server. */
import type { Column } from '../model/columns.ts'
import type { FieldSchema } from '../model/schema.ts'
import type { VectorSource } from './contract.ts'

interface Row {
  readonly rid: number
  readonly vector: Float32Array
  readonly scalars: readonly (number | bigint | string | null)[]
}

/** Row ids are 1, 2, 3 … in the order of insertion. */
export class MemorySource implements VectorSource {
  readonly dim: number
  readonly fields: readonly FieldSchema[]
  readonly rows: Row[] = []
  readonly deleted = new Set<number>()
  /** Called before each read: lets a test act in the middle of a build. */
  onRead: () => void | Promise<void> = () => {}
  /** Called when the deleted rows have been looked up and are about to be handed over. */
  onDead: () => void = () => {}
  #last = 0

  constructor(dim: number, fields: readonly FieldSchema[] = []) {
    this.dim = dim
    this.fields = fields
  }

  /** Returns the first row id of the batch. */
  insert(vectors: Float32Array, scalars: readonly (readonly (number | bigint | string | null)[])[] = []): number {
    const first = this.#last + 1
    for (let i = 0; i * this.dim < vectors.length; i++) {
      this.#last++
      const vector = vectors.slice(i * this.dim, (i + 1) * this.dim)
      this.rows.push({ rid: this.#last, vector, scalars: scalars[i] ?? [] })
    }
    return first
  }

  remove(rids: Iterable<number>): void {
    for (const rid of rids) this.deleted.add(rid)
  }

  live(): Row[] {
    return this.rows.filter((row) => !this.deleted.has(row.rid))
  }

  async read(after: number, upTo: number, limit: number) {
    await this.onRead()
    const found: Row[] = []
    for (let rid = after + 1; rid <= Math.min(upTo, this.#last) && found.length < limit; rid++) {
      const row = this.rows[rid - 1]
      if (row && !this.deleted.has(rid)) found.push(row)
    }
    const vectors = new Float32Array(found.length * this.dim)
    found.forEach((row, i) => {
      vectors.set(row.vector, i * this.dim)
    })
    const scalars = this.fields.map((field, f) =>
      column(
        field,
        found.map((row) => row.scalars[f] ?? null),
      ),
    )
    return { rids: Float64Array.from(found, (row) => row.rid), vectors, scalars }
  }

  async dead(after: number, upTo: number) {
    const rids = Float64Array.from([...this.deleted].filter((rid) => rid > after && rid <= upTo)).sort()
    this.onDead()
    return rids
  }

  lastRid(): number {
    return this.#last
  }
}

function column(field: FieldSchema, values: readonly (number | bigint | string | null)[]): Column {
  const valid = Uint8Array.from(values, (value) => (value === null ? 0 : 1))
  const base = { field: field.name, valid: valid.includes(0) ? valid : null, dynamic: false }
  if (field.type === 'VarChar') {
    return { ...base, data: { kind: 'string', values: values.map((value) => String(value ?? '')) } }
  }
  if (field.type === 'Int64') {
    return { ...base, data: { kind: 'long', values: BigInt64Array.from(values, (value) => BigInt(value ?? 0)) } }
  }
  return { ...base, data: { kind: 'int', values: Int32Array.from(values, (value) => Number(value ?? 0)) } }
}

/** Only what the engine looks at matters: id, name, type, and whether it is the primary key. */
export function testField(id: number, type: FieldSchema['type'], isPrimary = false): FieldSchema {
  return {
    ...{ id, type, isPrimary, name: `field${id}`, description: '', autoId: false, isPartitionKey: false },
    ...{ isClusteringKey: false, isDynamic: false, nullable: true, defaultValue: null, dim: 0, maxLength: 0 },
    ...{ maxCapacity: 0, elementType: null, typeParams: {} },
  }
}
