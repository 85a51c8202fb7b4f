import { create, type DescFile, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { GRPC } from '../../errors/table.ts'
import { file_grpc_health_v1_health } from '../../gen/grpc/health/v1/health_pb.js'
import {
  file_grpc_reflection_v1_reflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../../gen/grpc/reflection/v1/reflection_pb.js'
import { file_grpc_reflection_v1alpha_reflection } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js'
import { type DescriptorFile, decodeMessage, ordinaryFiles } from '../wire.ts'
import { declaredMethods } from './methods.ts'

/** Both versions: their messages have the same wire form (v1 is v1alpha renamed). */
export const REFLECTION_SERVICES = [
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
] as const

interface Catalogue {
  readonly files: ReadonlyMap<string, DescriptorFile>
  /** Full name of every service, method, message and enum -> its file. */
  readonly symbols: ReadonlyMap<string, DescriptorFile>
  readonly services: readonly string[]
}

let catalogue: Catalogue | null = null

/**
 * Answers one `ServerReflectionRequest`: `list_services`, `file_by_filename` and `file_containing_symbol` (with all
 * files it imports). What does not exist is a NOT_FOUND error response, which leaves the stream open.
 * @throws RedkiteError `malformedMessage`.
 */
export function answerReflection(bytes: Uint8Array): Uint8Array {
  const originalRequest = decodeMessage(ServerReflectionRequestSchema, bytes)
  catalogue ??= build()
  return toBinary(
    ServerReflectionResponseSchema,
    create(ServerReflectionResponseSchema, {
      validHost: originalRequest.host,
      originalRequest,
      messageResponse: answer(originalRequest.messageRequest, catalogue),
    }),
  )
}

type Request = MessageShape<typeof ServerReflectionRequestSchema>
type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>

function answer(request: Request['messageRequest'], { files, symbols, services }: Catalogue): Answer {
  switch (request.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } }
    case 'fileByFilename':
      return descriptors(files.get(request.value), `file not found: ${request.value}`, files)
    case 'fileContainingSymbol':
      return descriptors(symbols.get(request.value), `symbol not found: ${request.value}`, files)
    case 'fileContainingExtension':
    case 'allExtensionNumbersOfType':
      return failure(GRPC.notFound, 'no extensions are declared')
    case undefined:
      return failure(GRPC.invalidArgument, 'empty reflection request')
  }
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } }
}

function descriptors(file: DescriptorFile | undefined, missing: string, files: Catalogue['files']): Answer {
  if (!file) return failure(GRPC.notFound, missing)
  const wanted = new Set([file])
  for (const one of wanted)
    for (const name of one.dependencies) {
      const dependency = files.get(name)
      if (dependency) wanted.add(dependency)
    }
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: [...wanted].map((one) => one.bytes) } }
}

function build(): Catalogue {
  const builtin: readonly DescFile[] = [
    file_grpc_health_v1_health,
    file_grpc_reflection_v1_reflection,
    file_grpc_reflection_v1alpha_reflection,
  ]
  const all = [...ordinaryFiles(), ...builtin.map(flatFile)]
  return {
    files: new Map(all.map((file) => [file.name, file])),
    symbols: new Map(all.flatMap((file) => file.symbols.map((symbol) => [symbol, file]))),
    services: [...new Set(declaredMethods.map((method) => method.service))].sort(),
  }
}

/** For files without nested messages. */
function flatFile(file: DescFile): DescriptorFile {
  return {
    name: file.proto.name,
    dependencies: file.proto.dependency,
    symbols: [
      ...file.services.flatMap((s) => [s.typeName, ...s.methods.map((m) => `${s.typeName}.${m.name}`)]),
      ...file.messages.flatMap((m) => [m.typeName, ...m.nestedEnums.map((e) => e.typeName)]),
    ],
    bytes: toBinary(FileDescriptorProtoSchema, file.proto),
  }
}
