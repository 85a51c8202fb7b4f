/**
 * Generates the message code (`src/gen/`) from the descriptors that the pinned devDependency
 * `@zilliz/milvus2-sdk-node` ships as protobufjs JSON. Run at install (`prepare`); nothing it writes is committed.
 *
 * `FloatArray.data` is declared `bytes`: the same wire form as packed floats, decoded as a view instead of a
 * JS number array (docs/adr/004). `ops/wire.ts` falls back to the ordinary schema for other encodings.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type DescriptorProtoSchema,
  type EnumDescriptorProtoSchema,
  type FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_descriptor,
  FieldDescriptorProto_Label as Label,
  type ServiceDescriptorProtoSchema,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt'
import { protocGenEs } from '@bufbuild/protoc-gen-es/dist/cjs/src/protoc-gen-es-plugin.js'
import { grpcFiles } from './grpc-files.ts'

interface JsonField {
  type: string
  id: number
  rule?: 'repeated'
  keyType?: string
  extend?: string
  options?: Record<string, unknown>
}
interface JsonNode {
  options?: Record<string, unknown>
  nested?: Record<string, JsonNode>
  fields?: Record<string, JsonField>
  oneofs?: Record<string, { oneof: string[] }>
  values?: Record<string, number>
  methods?: Record<
    string,
    { requestType: string; responseType: string; requestStream?: boolean; responseStream?: boolean }
  >
  type?: string
  extend?: string
}

const OUT = new URL('../src/gen/', import.meta.url)
const ROOT = 'milvus.proto'
const PACKAGES = ['common', 'schema', 'rg', 'msg', 'feder', 'milvus'] as const
const SCALARS: Record<string, Type> = {
  double: Type.DOUBLE,
  float: Type.FLOAT,
  int64: Type.INT64,
  uint64: Type.UINT64,
  int32: Type.INT32,
  fixed64: Type.FIXED64,
  fixed32: Type.FIXED32,
  bool: Type.BOOL,
  string: Type.STRING,
  bytes: Type.BYTES,
  uint32: Type.UINT32,
  sfixed32: Type.SFIXED32,
  sfixed64: Type.SFIXED64,
  sint32: Type.SINT32,
  sint64: Type.SINT64,
}

const root = (
  createRequire(import.meta.url)('@zilliz/milvus2-sdk-node/dist/milvus/proto-json/milvus.js') as {
    default: JsonNode
  }
).default
const found = root.nested?.['milvus']?.nested?.['proto']?.nested
if (!found)
  throw new Error('the descriptors of @zilliz/milvus2-sdk-node no longer hold milvus.proto; check the pinned version')

const space = found

/** Every message and enum by its full name, and the package (file) it belongs to. */
const known = new Map<string, { kind: 'message' | 'enum'; pack: string }>()
for (const pack of PACKAGES) index(`${ROOT}.${pack}`, space[pack] as JsonNode, pack)

function index(prefix: string, node: JsonNode, pack: string): void {
  for (const [name, child] of Object.entries(node.nested ?? {})) {
    const full = `${prefix}.${name}`
    if (child.values) known.set(full, { kind: 'enum', pack })
    else if (child.fields) known.set(full, { kind: 'message', pack })
    index(full, child, pack)
  }
}

/** Resolves a type name as protobuf does: from the innermost scope outwards. */
function resolve(name: string, scope: string, uses: Set<string>): { kind: 'message' | 'enum'; full: string } {
  const parts = scope.split('.')
  for (let n = parts.length; n >= 0; n--) {
    const full = [...parts.slice(0, n), name].join('.')
    const hit = known.get(full)
    if (hit) {
      uses.add(hit.pack)
      return { kind: hit.kind, full: `.${full}` }
    }
  }
  throw new Error(`type ${name} used in ${scope} is not declared`)
}

function enumOf(name: string, node: JsonNode): MessageInitShape<typeof EnumDescriptorProtoSchema> {
  const values = Object.entries(node.values ?? {}).map(([value, number]) => ({ name: value, number }))
  // proto3 asks for the zero value first; the JSON keeps the source's order except for negative aliases
  values.sort((a, b) => Number(b.number === 0) - Number(a.number === 0))
  return { name, value: values }
}

function fieldOf(
  name: string,
  f: JsonField,
  scope: string,
  uses: Set<string>,
): MessageInitShape<typeof FieldDescriptorProtoSchema> {
  const label = f.rule === 'repeated' || f.keyType ? Label.REPEATED : Label.OPTIONAL
  const base = { name, number: f.id, label, jsonName: jsonName(name) }
  const scalar = SCALARS[f.type]
  if (scalar !== undefined) return { ...base, type: scalar }
  const type = resolve(f.type, scope, uses)
  return { ...base, type: type.kind === 'enum' ? Type.ENUM : Type.MESSAGE, typeName: type.full }
}

function jsonName(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase())
}

function messageOf(
  name: string,
  node: JsonNode,
  scope: string,
  uses: Set<string>,
): MessageInitShape<typeof DescriptorProtoSchema> {
  const full = `${scope}.${name}`
  const nestedType: MessageInitShape<typeof DescriptorProtoSchema>[] = []
  const enumType: MessageInitShape<typeof EnumDescriptorProtoSchema>[] = []
  for (const [child, sub] of Object.entries(node.nested ?? {})) {
    if (sub.values) enumType.push(enumOf(child, sub))
    else nestedType.push(messageOf(child, sub, full, uses))
  }
  // synthetic oneofs of proto3 optional fields must come last
  const oneofs = Object.entries(node.oneofs ?? {}).sort((a, b) => Number(synthetic(a)) - Number(synthetic(b)))
  function synthetic([key, { oneof }]: [string, { oneof: string[] }]): boolean {
    return oneof.length === 1 && key === `_${oneof[0]}`
  }
  const field = Object.entries(node.fields ?? {}).map(([fieldName, f]) => {
    const isFloats = full === `${ROOT}.schema.FloatArray` && fieldName === 'data'
    if (isFloats) return { name: fieldName, number: f.id, label: Label.OPTIONAL, type: Type.BYTES, jsonName: fieldName }
    const made = fieldOf(fieldName, f, full, uses)
    if (f.keyType) {
      const entry = `${jsonName(`_${fieldName}`)}Entry`
      nestedType.push({
        name: entry,
        options: { mapEntry: true },
        field: [
          fieldOf('key', { type: f.keyType, id: 1 }, full, uses),
          fieldOf('value', { type: f.type, id: 2 }, full, uses),
        ],
      })
      made.type = Type.MESSAGE
      made.typeName = `.${full}.${entry}`
    }
    const at = oneofs.findIndex(([, o]) => o.oneof.includes(fieldName))
    if (at >= 0) {
      made.oneofIndex = at
      if (f.options?.['proto3_optional']) made.proto3Optional = true
    }
    return made
  })
  return { name, field, nestedType, enumType, oneofDecl: oneofs.map(([key]) => ({ name: key })) }
}

function serviceOf(
  name: string,
  node: JsonNode,
  scope: string,
  uses: Set<string>,
): MessageInitShape<typeof ServiceDescriptorProtoSchema> {
  const method = Object.entries(node.methods ?? {}).map(([rpc, m]) => ({
    name: rpc,
    inputType: resolve(m.requestType, scope, uses).full,
    outputType: resolve(m.responseType, scope, uses).full,
    clientStreaming: m.requestStream === true,
    serverStreaming: m.responseStream === true,
  }))
  return { name, method }
}

function fileOf(pack: string): FileDescriptorProto {
  const scope = `${ROOT}.${pack}`
  const uses = new Set<string>()
  const file = { messageType: [], enumType: [], service: [] } as {
    messageType: MessageInitShape<typeof DescriptorProtoSchema>[]
    enumType: MessageInitShape<typeof EnumDescriptorProtoSchema>[]
    service: MessageInitShape<typeof ServiceDescriptorProtoSchema>[]
  }
  for (const [name, node] of Object.entries((space[pack] as JsonNode).nested ?? {})) {
    if (node.extend) continue // the privilege extension: read below as plain data
    if (node.values) file.enumType.push(enumOf(name, node))
    else if (node.methods) file.service.push(serviceOf(name, node, scope, uses))
    else if (node.fields) file.messageType.push(messageOf(name, node, scope, uses))
  }
  uses.delete(pack)
  return create(FileDescriptorProtoSchema, {
    name: `${pack}.proto`,
    package: scope,
    syntax: 'proto3',
    dependency: [...uses].sort().map((p) => `${p}.proto`),
    ...file,
  })
}

/**
 * Each request's privilege as Milvus declares it (`privilege_ext_obj` on the request message); `nameField` is the number
 * of the field that holds the object's name or names, 0 = the object is the database or the cluster.
 */
function privileges(): string {
  const rows = Object.entries((space['milvus'] as JsonNode).nested ?? {}).flatMap(([message, node]) => {
    const o = node.options ?? {}
    const key = '(common.privilege_ext_obj).object_privilege'
    if (!(key in o)) return []
    const object = o['(common.privilege_ext_obj).object_type']
    const index = Number(o['(common.privilege_ext_obj).object_name_index'] ?? 0)
    const list = Number(o['(common.privilege_ext_obj).object_name_indexs'] ?? 0)
    const nameField = index > 0 ? index : list
    return [`  ${message}: { object: '${object}', privilege: '${o[key]}', nameField: ${nameField} },`]
  })
  return `// generated by scripts/generate.ts\nexport const declaredPrivileges = {\n${rows.join('\n')}\n}\n`
}

const files = [...PACKAGES.map(fileOf), ...grpcFiles]
rmSync(OUT, { recursive: true, force: true })
mkdirSync(OUT, { recursive: true })
const response = protocGenEs.run({
  $typeName: 'google.protobuf.compiler.CodeGeneratorRequest',
  fileToGenerate: files.map((f) => f.name),
  parameter: 'target=js+dts,import_extension=js',
  protoFile: [file_google_protobuf_descriptor.proto, ...files],
  sourceFileDescriptors: [],
})
for (const f of response.file) {
  const target = new URL(f.name, OUT)
  mkdirSync(new URL('.', target), { recursive: true })
  writeFileSync(target, f.content)
}
writeFileSync(new URL('privileges.js', OUT), privileges())
writeFileSync(
  new URL('privileges.d.ts', OUT),
  `export declare const declaredPrivileges: Readonly<Record<string, { object: string; privilege: string; nameField: number }>>\n`,
)
process.stderr.write(`generated ${response.file.length} files in src/gen from ${known.size} message and enum types\n`)
