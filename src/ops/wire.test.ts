import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { RedkiteError } from '../errors/error.ts'
import { InsertRequestSchema } from '../gen/milvus_pb.js'
import { sdkEncode } from './sdk-messages.test-support.ts'
import { toColumnBatch } from './wire/columns-in.ts'
import { decodeMessage, ordinaryFiles } from './wire.ts'

const FLOAT_VECTOR = 101
const [LENGTH_DELIMITED, VARINT, BIT32] = [2, 0, 5]

/** One record of a message: field number, wire type 2, the bytes. */
function record(no: number, ...parts: Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts)
  return new Uint8Array(
    protobuf.Writer.create()
      .uint32((no << 3) | LENGTH_DELIMITED)
      .bytes(body)
      .finish(),
  )
}
function varint(no: number, value: number): Uint8Array {
  return new Uint8Array(
    protobuf.Writer.create()
      .uint32((no << 3) | VARINT)
      .uint32(value)
      .finish(),
  )
}

/** An InsertRequest with one vector column whose `vectors` part is given. */
function insertOf(...vectorField: Uint8Array[]): Uint8Array {
  const vectors = vectorField.map((part) => record(4, part))
  return Buffer.concat([record(5, varint(1, FLOAT_VECTOR), ...vectors), varint(7, 2)])
}

function vectorsIn(bytes: Uint8Array): number[] {
  const message = decodeMessage(InsertRequestSchema, bytes)
  const [column] = toColumnBatch(message.fieldsData, message.numRows).columns
  assert.equal(column?.data.kind, 'floatVector')
  return Array.from(column.data.values as Float32Array)
}

function refusal(bytes: Uint8Array): string {
  try {
    decodeMessage(InsertRequestSchema, bytes)
  } catch (error) {
    assert.ok(error instanceof RedkiteError)
    assert.equal(error.kind, 'malformedMessage')
    return error.message
  }
  throw new Error('it was decoded')
}

describe('decodeMessage: floats in every form that protobuf allows', () => {
  const values = [1.5, -2, 3.25, 4]
  const floats = (some: number[], packed: boolean): Uint8Array =>
    sdkEncode('schema.FloatArray', { data: some }, { packed })
  const dim = varint(1, 2)

  it('reads one packed run without copying it', () => {
    const bytes = sdkEncode('milvus.InsertRequest', {
      num_rows: 2,
      fields_data: [{ type: FLOAT_VECTOR, field_name: 'v', vectors: { dim: '2', float_vector: { data: values } } }],
    })
    // the same bytes at every alignment: one of the four lets the floats be a view
    const views = [0, 1, 2, 3].map((shift) => {
      const buffer = new Uint8Array(bytes.length + shift)
      buffer.set(bytes, shift)
      const message = decodeMessage(InsertRequestSchema, buffer.subarray(shift))
      const [column] = toColumnBatch(message.fieldsData, 2).columns
      const vector = column?.data.values as Float32Array
      assert.deepEqual(Array.from(vector), values)
      const isView = vector.buffer === buffer.buffer
      // the copy that alignment forces is the one the store needs: in shared memory
      assert.ok(isView || vector.buffer instanceof SharedArrayBuffer)
      return isView
    })
    assert.equal(views.filter(Boolean).length, 1)
  })

  it('reads one tag a value', () => {
    assert.deepEqual(vectorsIn(insertOf(Buffer.concat([dim, record(2, floats(values, false))]))), values)
  })

  it('reads several packed runs as one array', () => {
    const split = record(2, floats(values.slice(0, 3), true), floats(values.slice(3), true))
    assert.deepEqual(vectorsIn(insertOf(Buffer.concat([dim, split]))), values)
  })

  it('appends the floats of a message sent in two parts', () => {
    const first = Buffer.concat([dim, record(2, floats(values.slice(0, 2), true))])
    const second = record(2, floats(values.slice(2), true))
    assert.deepEqual(vectorsIn(insertOf(first, second)), values)
  })

  it('gives the same floats for any mixture of forms', () => {
    const run = fc.tuple(fc.array(fc.float({ noNaN: true }), { maxLength: 8 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(run, { maxLength: 5 }), (runs) => {
        const expected = runs.flatMap(([some]) => some)
        const parts = runs.map(([some, packed]) => floats(some, packed))
        const bytes = insertOf(Buffer.concat([varint(1, 1), record(2, ...parts)]))
        assert.deepEqual(vectorsIn(bytes), Array.from(Float32Array.from(expected)))
      }),
      { numRuns: 200 },
    )
  })
})

describe('decodeMessage: what is not well-formed is refused', () => {
  it('a truncated message', () => {
    const bytes = sdkEncode('milvus.InsertRequest', { collection_name: 'books', num_rows: 1 })
    for (let cut = 1; cut < bytes.length; cut++) {
      if (cut === 7) continue // the end of the first record: a whole message
      assert.match(refusal(bytes.subarray(0, cut)), /cannot decode InsertRequest/)
    }
  })

  it('a nested message that runs past its parent', () => {
    const inner = Buffer.from([(4 << 3) | LENGTH_DELIMITED, 100, 1])
    assert.match(refusal(record(5, inner)), /runs past/)
  })

  it('a field of another wire type', () => {
    assert.match(refusal(varint(3, 1)), /InsertRequest\.collection_name has wire type 0/)
  })

  it('bytes that are not whole floats', () => {
    const half = record(2, record(1, Buffer.from([0, 0, 128])))
    assert.match(refusal(insertOf(half)), /3 bytes are not whole floats/)
  })

  it('a string that is not UTF-8', () => {
    assert.match(refusal(record(3, Buffer.from([0xff, 0xfe]))), /InsertRequest/)
  })

  it('nesting without end', () => {
    // FieldData.struct_arrays.fields[] is FieldData again
    let deep: Uint8Array = new Uint8Array(0)
    for (let level = 0; level < 200; level++) deep = record(8, record(1, deep))
    assert.match(refusal(record(5, deep)), /nested deeper|recursion/)
  })

  it('random bytes never do anything but decode or be refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeMessage(InsertRequestSchema, bytes)
        } catch (error) {
          assert.ok(error instanceof RedkiteError, String(error))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('keeps unknown fields of any wire type out of the way', () => {
    const unknown = Buffer.from([(90 << 3) | BIT32, 5, 1, 2, 3, 4])
    const bytes = Buffer.concat([record(3, Buffer.from('books')), Buffer.from(unknown)])
    assert.equal(decodeMessage(InsertRequestSchema, bytes).collectionName, 'books')
  })
})

describe('ordinaryFiles', () => {
  it('come with dependencies first and the floats that clients know', () => {
    const files = ordinaryFiles()
    const seen = new Set<string>()
    for (const file of files) {
      for (const name of file.dependencies) assert.ok(seen.has(name), `${name} before ${file.name}`)
      seen.add(file.name)
    }
    const milvus = files.find((file) => file.symbols.includes('milvus.proto.milvus.MilvusService.Search'))
    assert.ok(milvus)
    const schema = files.find((file) => file.symbols.includes('milvus.proto.schema.FloatArray'))
    // FieldDescriptorProto "data": number 1, label repeated (3), type float (2)
    const data = Buffer.from([0x0a, 4, ...Buffer.from('data'), 0x18, 1, 0x20, 3, 0x28, 2])
    assert.ok(Buffer.from(schema?.bytes ?? []).includes(data))
  })
})
