/** Whether a request says that it is gRPC, of any kind. */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType?.startsWith('application/grpc') ?? false
}
