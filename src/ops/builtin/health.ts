import { create, toBinary } from '@bufbuild/protobuf'
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from '../../gen/grpc/health/v1/health_pb.js'
import { decodeMessage } from '../wire.ts'

/** Path of `grpc.health.v1.Health`. */
export const HEALTH_SERVICE = 'grpc.health.v1.Health'

/** The name of the service asked about; '' = the server. @throws RedkiteError `malformedMessage`. */
export function decodeHealthCheck(bytes: Uint8Array): string {
  return decodeMessage(HealthCheckRequestSchema, bytes).service
}

/** A `HealthCheckResponse`. */
export function encodeHealth(serving: boolean): Uint8Array {
  const status = serving ? HealthCheckResponse_ServingStatus.SERVING : HealthCheckResponse_ServingStatus.NOT_SERVING
  return toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status }))
}
