/**
 * Descriptors of the services that every gRPC server may offer (grpc/grpc-proto: health/v1, reflection/v1 and
 * reflection/v1alpha). No pinned package ships them, and they have not changed in years.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type DescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt'

type Message = MessageInitShape<typeof DescriptorProtoSchema>
type FieldSpec = readonly [name: string, number: number, type: Type | string, form?: 'repeated' | 'oneof']

/** A message of scalars and of messages (`.full.Name`); `oneof` fields belong to the only oneof. */
function message(name: string, fields: readonly FieldSpec[], oneof?: string): Message {
  return {
    name,
    oneofDecl: oneof ? [{ name: oneof }] : [],
    field: fields.map(([field, number, type, form]) => ({
      name: field,
      number,
      label: form === 'repeated' ? Label.REPEATED : Label.OPTIONAL,
      jsonName: field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      ...(typeof type === 'string' ? { type: Type.MESSAGE, typeName: type } : { type }),
      ...(form === 'oneof' ? { oneofIndex: 0 } : {}),
    })),
  }
}

function health(): FileDescriptorProto {
  const response: Message = {
    name: 'HealthCheckResponse',
    field: [
      {
        name: 'status',
        number: 1,
        label: Label.OPTIONAL,
        type: Type.ENUM,
        typeName: '.grpc.health.v1.HealthCheckResponse.ServingStatus',
        jsonName: 'status',
      },
    ],
    enumType: [
      {
        name: 'ServingStatus',
        value: ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'].map((name, number) => ({ name, number })),
      },
    ],
  }
  const io = { inputType: '.grpc.health.v1.HealthCheckRequest', outputType: '.grpc.health.v1.HealthCheckResponse' }
  return create(FileDescriptorProtoSchema, {
    name: 'grpc/health/v1/health.proto',
    package: 'grpc.health.v1',
    syntax: 'proto3',
    messageType: [message('HealthCheckRequest', [['service', 1, Type.STRING]]), response],
    service: [
      {
        name: 'Health',
        method: [
          { name: 'Check', ...io },
          { name: 'Watch', ...io, serverStreaming: true },
        ],
      },
    ],
  })
}

function reflection(version: 'v1' | 'v1alpha'): FileDescriptorProto {
  const pack = `grpc.reflection.${version}`
  const of = (name: string) => `.${pack}.${name}`
  return create(FileDescriptorProtoSchema, {
    name: `grpc/reflection/${version}/reflection.proto`,
    package: pack,
    syntax: 'proto3',
    messageType: [
      message(
        'ServerReflectionRequest',
        [
          ['host', 1, Type.STRING],
          ['file_by_filename', 3, Type.STRING, 'oneof'],
          ['file_containing_symbol', 4, Type.STRING, 'oneof'],
          ['file_containing_extension', 5, of('ExtensionRequest'), 'oneof'],
          ['all_extension_numbers_of_type', 6, Type.STRING, 'oneof'],
          ['list_services', 7, Type.STRING, 'oneof'],
        ],
        'message_request',
      ),
      message('ExtensionRequest', [
        ['containing_type', 1, Type.STRING],
        ['extension_number', 2, Type.INT32],
      ]),
      message(
        'ServerReflectionResponse',
        [
          ['valid_host', 1, Type.STRING],
          ['original_request', 2, of('ServerReflectionRequest')],
          ['file_descriptor_response', 4, of('FileDescriptorResponse'), 'oneof'],
          ['all_extension_numbers_response', 5, of('ExtensionNumberResponse'), 'oneof'],
          ['list_services_response', 6, of('ListServiceResponse'), 'oneof'],
          ['error_response', 7, of('ErrorResponse'), 'oneof'],
        ],
        'message_response',
      ),
      message('FileDescriptorResponse', [['file_descriptor_proto', 1, Type.BYTES, 'repeated']]),
      message('ExtensionNumberResponse', [
        ['base_type_name', 1, Type.STRING],
        ['extension_number', 2, Type.INT32, 'repeated'],
      ]),
      message('ListServiceResponse', [['service', 1, of('ServiceResponse'), 'repeated']]),
      message('ServiceResponse', [['name', 1, Type.STRING]]),
      message('ErrorResponse', [
        ['error_code', 1, Type.INT32],
        ['error_message', 2, Type.STRING],
      ]),
    ],
    service: [
      {
        name: 'ServerReflection',
        method: [
          {
            name: 'ServerReflectionInfo',
            inputType: of('ServerReflectionRequest'),
            outputType: of('ServerReflectionResponse'),
            clientStreaming: true,
            serverStreaming: true,
          },
        ],
      },
    ],
  })
}

/** Files to generate beside Milvus' own. */
export const grpcFiles: readonly FileDescriptorProto[] = [health(), reflection('v1'), reflection('v1alpha')]
