import { file_grpc_health_v1_health } from '../../gen/grpc/health/v1/health_pb.js'
import { file_grpc_reflection_v1_reflection } from '../../gen/grpc/reflection/v1/reflection_pb.js'
import { file_grpc_reflection_v1alpha_reflection } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js'
import { file_milvus } from '../../gen/milvus_pb.js'

/** Every method of the services this server speaks of, served or not: what is not served is answered by name. */
export const declaredMethods: readonly { readonly service: string; readonly method: string }[] = [
  file_milvus,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_grpc_reflection_v1alpha_reflection,
].flatMap((file) =>
  file.proto.service.flatMap((service) =>
    service.method.map((method) => ({ service: `${file.proto.package}.${service.name}`, method: method.name })),
  ),
)
