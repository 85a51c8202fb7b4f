/**
 * Decoding an insert of 1,000 rows of 768 floats: with `FloatArray.data` declared `bytes` (what we serve with, its
 * check of the wire form included) against the ordinary declaration `repeated float`, by the same library.
 * Run: `node bench/micro/insert-decode.ts [rounds]`. Interleaved, medians.
 */
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { InsertRequestSchema } from '../../src/gen/milvus_pb.js'
import { sdkEncode } from '../../src/ops/sdk-messages.test-support.ts'
import { decodeMessage, ordinaryFiles } from '../../src/ops/wire.ts'

const ROWS = 1_000
const DIM = 768
const rounds = Number(process.argv[2] ?? 30)

const data = Array.from({ length: ROWS * DIM }, (_, i) => Math.fround(Math.sin(i)))
const vector = { field_name: 'vec', type: 'FloatVector', vectors: { dim: DIM, float_vector: { data } } }
const bytes = sdkEncode('milvus.InsertRequest', { collection_name: 'c', fields_data: [vector], num_rows: ROWS })

const file = ordinaryFiles().map(({ bytes: one }) => fromBinary(FileDescriptorProtoSchema, one))
const set = create(FileDescriptorSetSchema, { file })
const ordinary = createFileRegistry(set).getMessage(InsertRequestSchema.typeName)
if (!ordinary) throw new Error('no ordinary descriptor of InsertRequest')

const sides = {
  'bytes, checked and viewed': () => decodeMessage(InsertRequestSchema, bytes),
  'repeated float': () => fromBinary(ordinary, bytes),
}
const took: Record<string, number[]> = {}
for (let round = -3; round < rounds; round++) {
  for (const [name, decode] of Object.entries(sides)) {
    const before = performance.now()
    decode()
    if (round >= 0) took[name] = [...(took[name] ?? []), performance.now() - before]
  }
}
const megabytes = (bytes.byteLength / 1e6).toFixed(1)
for (const [name, ms] of Object.entries(took)) {
  const median = ms.toSorted((a, b) => a - b)[Math.floor(ms.length / 2)] ?? Number.NaN
  process.stdout.write(`${name}: ${median.toFixed(2)} ms for ${megabytes} MB\n`)
}
