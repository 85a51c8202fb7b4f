/**
 * Milvus' messages as the Node SDK itself encodes and decodes them: protobufjs over the descriptors it ships. A second
 * implementation, so that a round trip through it proves more than one through our own generated code.
 */
import { createRequire } from 'node:module'
import protobuf from 'protobufjs'

const load = createRequire(import.meta.url)
const descriptors = (load('@zilliz/milvus2-sdk-node/dist/milvus/proto-json/milvus.js') as { default: Descriptors })
  .default
type Descriptors = protobuf.INamespace

const root = protobuf.Root.fromJSON(descriptors)
const unpackedRoot = protobuf.Root.fromJSON(withoutPackedFloats())

/** One tag a float: what an encoder may send when it does not pack. */
function withoutPackedFloats(): Descriptors {
  const copy = structuredClone(descriptors)
  let node = copy as { nested?: Record<string, unknown>; fields?: Record<string, { options?: object }> }
  for (const name of ['milvus', 'proto', 'schema', 'FloatArray']) node = node.nested?.[name] as typeof node
  if (!node.fields?.['data']) throw new Error('the descriptors hold no FloatArray.data')
  node.fields['data'].options = { packed: false }
  return copy
}

/** `milvus.InsertRequest`, `schema.FloatArray` … as bytes; field names as in the proto files, int64 as strings. */
export function sdkEncode(type: string, value: object, options: { packed: boolean } = { packed: true }): Uint8Array {
  const message = (options.packed ? root : unpackedRoot).lookupType(`milvus.proto.${type}`)
  // a copy: protobufjs hands out slices of a pool, whose alignment would be chance
  return new Uint8Array(message.encode(message.fromObject(value)).finish())
}

/** The message in plain data: int64 as strings, enums as names, every field present, as the SDK reads it. */
export function sdkDecode(type: string, bytes: Uint8Array): Record<string, unknown> {
  const message = root.lookupType(`milvus.proto.${type}`)
  const plain = message.toObject(message.decode(bytes), {
    longs: String,
    enums: String,
    defaults: true,
    arrays: true,
    oneofs: true,
  })
  return plain
}

/** The privilege that a request message declares, straight from the descriptors. */
export function sdkPrivilege(type: string): { object: string; privilege: string } | null {
  const options: Record<string, unknown> = root.lookupType(`milvus.proto.milvus.${type}`).options ?? {}
  const object = options['(common.privilege_ext_obj).object_type']
  const privilege = options['(common.privilege_ext_obj).object_privilege']
  return object === undefined ? null : { object: String(object), privilege: String(privilege) }
}

/** Every RPC's request message by the RPC's name. */
export function sdkRequestTypes(): ReadonlyMap<string, string> {
  const { methods } = root.lookupService('milvus.proto.milvus.MilvusService')
  return new Map(Object.values(methods).map((method) => [method.name, method.requestType]))
}
