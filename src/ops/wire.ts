/**
 * From received bytes to a decoded message, and back. The generated code declares `FloatArray.data` as `bytes`
 * (docs/adr/004): packed floats stay a view of the received frame. protobuf allows two other forms of the same field
 * (one tag a value; several packed runs), and protobuf-es neither compares wire types nor ends nested messages at
 * their length. So every request is walked once before it is decoded: what is not well-formed is refused, and what is
 * well-formed in another form is re-encoded packed by way of the ordinary schema.
 */
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  type MessageShape,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'
import { faultText } from '../errors/error.ts'
import { file_common } from '../gen/common_pb.js'
import { file_feder } from '../gen/feder_pb.js'
import { file_milvus } from '../gen/milvus_pb.js'
import { file_msg } from '../gen/msg_pb.js'
import { file_rg } from '../gen/rg_pb.js'
import { file_schema } from '../gen/schema_pb.js'

const FLOATS = 'milvus.proto.schema.FloatArray'
const DEPTH_MAX = 100

/**
 * The message in `bytes`. Byte fields are views of `bytes`: the caller must not reuse the buffer.
 * @param kind the error of bytes that are not this message: a message inside another is a parameter like others
 * @throws RedkiteError of `kind`, naming what is wrong.
 */
export function decodeMessage<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  kind: 'malformedMessage' | 'invalidParameter' | 'serviceInternal' = 'malformedMessage',
): MessageShape<D> {
  try {
    const walk: Walk = { repack: false }
    const reader = new BinaryReader(bytes)
    walkMessage(schema, reader, bytes.byteLength, 0, walk)
    return fromBinary(schema, walk.repack ? repacked(schema, bytes) : bytes, { readUnknownFields: false })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw faultText(kind, `cannot decode ${schema.name}: ${reason}`, { cause })
  }
}

interface Walk {
  /** Set when floats came in a form that the `bytes` declaration does not read. */
  repack: boolean
}

function walkMessage(schema: DescMessage, reader: BinaryReader, end: number, depth: number, walk: Walk): void {
  if (depth > DEPTH_MAX) throw new Error(`messages nested deeper than ${DEPTH_MAX}`)
  const fields = fieldsOf(schema)
  const isFloats = schema.typeName === FLOATS
  let records = 0
  let seen: Set<number> | undefined
  while (reader.pos < end) {
    const [no, wireType] = reader.tag()
    const field = fields.get(no)
    if (isFloats && no === 1) {
      records++
      if (wireType !== WireType.LengthDelimited || records > 1) walk.repack = true
    } else if (field && !accepts(field, wireType)) {
      throw new Error(`field ${schema.name}.${field.name} has wire type ${wireType}`)
    }
    const child = field ? childOf(field) : undefined
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, no)
    } else {
      const length = reader.uint32()
      const stop = reader.pos + length
      if (stop > end) throw new Error(`field ${no} of ${schema.name} runs past the end of its message`)
      if (isFloats && no === 1 && length % 4 !== 0) throw new Error(`${length} bytes are not whole floats`)
      if (child) {
        if (field?.fieldKind === 'message') {
          // a message sent in two parts is merged: only the ordinary schema appends floats
          seen ??= new Set()
          if (seen.has(no)) walk.repack = true
          seen.add(no)
        }
        walkMessage(child, reader, stop, depth + 1, walk)
      }
      reader.pos = stop
    }
  }
  if (reader.pos !== end) throw new Error(`${schema.name} runs past its length`)
}

const fieldsBySchema = new WeakMap<DescMessage, Map<number, DescField>>()
function fieldsOf(schema: DescMessage): Map<number, DescField> {
  let fields = fieldsBySchema.get(schema)
  if (!fields) {
    fields = new Map(schema.fields.map((field) => [field.number, field]))
    fieldsBySchema.set(schema, fields)
  }
  return fields
}

/** The message inside a field; map entries are left to the decoder, since no map of the protocol holds floats. */
function childOf(field: DescField): DescMessage | undefined {
  if (field.fieldKind === 'message') return field.message
  return field.fieldKind === 'list' && field.listKind === 'message' ? field.message : undefined
}

function accepts(field: DescField, wireType: WireType): boolean {
  if (field.fieldKind === 'list' && wireType === WireType.LengthDelimited) return true
  if (field.fieldKind === 'map' || field.message) return wireType === WireType.LengthDelimited
  return wireType === (field.scalar === undefined ? WireType.Varint : wireTypeOf(field.scalar))
}

function wireTypeOf(scalar: ScalarType): WireType {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32
    default:
      return WireType.Varint
  }
}

/** The same message with every float array as one packed run. */
function repacked(schema: DescMessage, bytes: Uint8Array): Uint8Array {
  const ordinary = registry().getMessage(schema.typeName)
  if (!ordinary) throw new Error(`no ordinary descriptor of ${schema.typeName}`)
  return toBinary(ordinary, fromBinary(ordinary, bytes))
}

const files = [file_common, file_schema, file_rg, file_msg, file_feder, file_milvus]
let built: FileRegistry | undefined

/** The protocol as Milvus publishes it (`FloatArray.data` = repeated float); built on first use. */
function registry(): FileRegistry {
  built ??= createFileRegistry(
    create(FileDescriptorSetSchema, {
      file: files.map((file) => {
        const proto = fromBinary(FileDescriptorProtoSchema, toBinary(FileDescriptorProtoSchema, file.proto))
        const floats = proto.messageType.find((m) => `${proto.package}.${m.name}` === FLOATS)?.field[0]
        if (floats) {
          floats.label = FieldDescriptorProto_Label.REPEATED
          floats.type = FieldDescriptorProto_Type.FLOAT
        }
        return proto
      }),
    }),
  )
  return built
}

/** One descriptor file, for server reflection. */
export interface DescriptorFile {
  readonly name: string
  readonly dependencies: readonly string[]
  /** Full names of its services, methods, messages and enums, nested ones included. */
  readonly symbols: readonly string[]
  /** Serialized `google.protobuf.FileDescriptorProto`. */
  readonly bytes: Uint8Array
}

/** The protocol's descriptor files with the schema that clients know, dependencies before dependents. */
export function ordinaryFiles(): readonly DescriptorFile[] {
  return [...registry().files].map((file) => ({
    name: file.proto.name,
    dependencies: file.proto.dependency,
    symbols: [
      ...file.services.flatMap((s) => [s.typeName, ...s.methods.map((m) => `${s.typeName}.${m.name}`)]),
      ...file.messages.flatMap(messageSymbols),
      ...file.enums.map((e) => e.typeName),
    ],
    bytes: toBinary(FileDescriptorProtoSchema, file.proto),
  }))
}

function messageSymbols(message: DescMessage): string[] {
  return [
    message.typeName,
    ...message.nestedEnums.map((e) => e.typeName),
    ...message.nestedMessages.flatMap(messageSymbols),
  ]
}
