import { faultText } from '../../errors/error.ts'
import { answerReflection, REFLECTION_SERVICES } from '../../ops/builtin/reflection.ts'
import type { Call } from './call.ts'
import { FrameReader } from './frame-reader.ts'
import type { Serve } from './handler.ts'
import { metadataCredentials } from './headers.ts'
import { framed, streamingHeaders } from './reply.ts'
import type { UnaryDeps } from './unary.ts'

/** A reflection request is a name. */
const REQUEST_BYTES_MAX = 64 * 1024

/**
 * Server reflection v1 and v1alpha over the descriptors of every service on this port. Any caller who may log in may
 * read them: they are the public protocol.
 */
export function reflectionMethods(deps: UnaryDeps): readonly (readonly [path: string, serve: Serve])[] {
  const serve: Serve = async (call, headers) => {
    await deps.gate.authenticate(metadataCredentials(headers), call.caller)
    if (!call.ended) answerEach(call)
  }
  return REFLECTION_SERVICES.map((service) => [`/${service}/ServerReflectionInfo`, serve])
}

/** One answer a request, in order, until the client ends its side. */
function answerEach(call: Call): void {
  const { stream } = call
  const reader = new FrameReader(REQUEST_BYTES_MAX)
  call.openReply(streamingHeaders)
  stream.on('data', (chunk: Buffer) => {
    if (call.ended) return
    try {
      reader.push(chunk)
      for (let frame = reader.next(); frame; frame = reader.next()) {
        if (frame.compressed) throw faultText('unknownRpc', 'grpc: compressed reflection requests are not served')
        if (!stream.write(framed(answerReflection(frame.bytes)))) stream.pause()
      }
    } catch (error) {
      call.fail(error)
    }
  })
  stream.on('drain', () => stream.resume())
  stream.on('end', () => call.finish())
}
