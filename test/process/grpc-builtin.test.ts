/** grpc.health.v1 and server reflection, by grpc-js. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { FieldDescriptorProto_Type, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { grpcClient, type TestClient } from '../support/grpc-client.ts'
import { startProtocolServer, TOKEN } from '../support/protocol-server.ts'

const CHECK = '/grpc.health.v1.Health/Check'
const same = (bytes: Buffer): Buffer => bytes

test('Check answers with the health of the service, whatever service is named', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const named = new BinaryWriter().tag(1, WireType.LengthDelimited).string('anything').finish()
  assert.deepEqual((await client.call(CHECK, Buffer.from(named))).message, Buffer.of(8, 1))
  server.health.healthy = false
  assert.deepEqual((await client.call(CHECK, '')).message, Buffer.of(8, 2))
})

test('health and reflection ask for credentials where authorisation is on', async () => {
  await using server = await startProtocolServer({ authorisation: true })
  using client = grpcClient(server.address)
  for (const path of [
    CHECK,
    '/grpc.health.v1.Health/Watch',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  ])
    assert.equal((await client.call(path, '', { metadata: { authorization: 'eDp5' } })).code, 16, path)
  assert.equal((await client.call(CHECK, '', { metadata: { authorization: TOKEN } })).code, 0)
})

test('Watch tells each change until it is cancelled', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  const call = client.raw.makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, Buffer.alloc(0))
  call.on('error', () => {})
  const states: number[] = []
  for await (const message of call) {
    states.push((message as Buffer)[1] ?? -1)
    if (states.length === 1) server.health.healthy = false
    if (states.length === 2) break
  }
  call.cancel()
  assert.deepEqual(states, [1, 2])
})

/** One reflection exchange; returns the fields of the response by number. */
async function reflect(
  client: TestClient,
  version: string,
  asks: readonly [number, string][],
): Promise<Map<number, Uint8Array>[]> {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
  const call = client.raw.makeBidiStreamRequest(path, same, same)
  for (const [field, value] of asks)
    call.write(Buffer.from(new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish()))
  call.end()
  const answers: Map<number, Uint8Array>[] = []
  for await (const message of call) answers.push(new Map(fields(message as Buffer)))
  return answers
}

function fields(bytes: Uint8Array): [number, Uint8Array][] {
  const reader = new BinaryReader(bytes)
  const found: [number, Uint8Array][] = []
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag()
    if (type === WireType.LengthDelimited) found.push([no, reader.bytes()])
    else reader.skip(type)
  }
  return found
}

test('reflection lists the services and describes them, in both versions', async () => {
  await using server = await startProtocolServer()
  using client = grpcClient(server.address)
  for (const version of ['v1', 'v1alpha']) {
    const [list, symbol, file, missing] = await reflect(client, version, [
      [7, ''],
      [4, 'milvus.proto.milvus.MilvusService.Search'],
      [3, 'schema.proto'],
      [4, 'no.such.Thing'],
    ])
    const services = fields(list?.get(6) ?? new Uint8Array()).map(([, bytes]) =>
      String(Buffer.from(fields(bytes)[0]?.[1] ?? [])),
    )
    for (const name of [
      'milvus.proto.milvus.MilvusService',
      'grpc.health.v1.Health',
      `grpc.reflection.${version}.ServerReflection`,
    ])
      assert.ok(services.includes(name), `${name} in ${services}`)
    const described = fields(symbol?.get(4) ?? new Uint8Array()).map(([, bytes]) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    )
    assert.equal(described[0]?.name, 'milvus.proto')
    const names = new Set(described.map((d) => d.name))
    for (const one of described) for (const needed of one.dependency) assert.ok(names.has(needed), needed)
    const [schema] = fields(file?.get(4) ?? new Uint8Array()).map(([, bytes]) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    )
    const floats = schema?.messageType.find((m) => m.name === 'FloatArray')?.field[0]
    assert.equal(floats?.type, FieldDescriptorProto_Type.FLOAT, 'the schema clients know, not our bytes declaration')
    assert.match(String(Buffer.from(missing?.get(7) ?? [])), /symbol not found: no\.such\.Thing/)
  }
})
