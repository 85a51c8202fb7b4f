/** grpc-js as a client of raw messages: what a real client sees of the protocol layer. */
import grpc from '@grpc/grpc-js'
import { PREFIX } from './protocol-server.ts'

export interface Outcome {
  readonly message: Buffer | null
  readonly code: number
  readonly details: string
  readonly metadata: Record<string, unknown>
}

const same = (bytes: Buffer): Buffer => bytes

export interface TestClient extends Disposable {
  call(method: string, message: string | Buffer, options?: CallOptions): Promise<Outcome>
  readonly raw: grpc.Client
}

export interface CallOptions {
  readonly metadata?: Record<string, string>
  readonly deadlineMs?: number
  /** Given a function that cancels the call once it is started. */
  readonly onStart?: (cancel: () => void) => void
}

export function grpcClient(address: string, options: grpc.ClientOptions = {}): TestClient {
  const raw = new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.enable_retries': 0,
    ...options,
  })
  return {
    raw,
    call(method, message, { metadata = {}, deadlineMs, onStart } = {}) {
      return new Promise((resolve) => {
        const sent = new grpc.Metadata()
        for (const [key, value] of Object.entries(metadata)) sent.set(key, value)
        const path = method.startsWith('/') ? method : `${PREFIX}${method}`
        const deadline = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs }
        const call = raw.makeUnaryRequest(path, same, same, Buffer.from(message), sent, deadline, (error, reply) =>
          resolve({
            message: reply ?? null,
            code: error?.code ?? 0,
            details: error?.details ?? '',
            metadata: error?.metadata.getMap() ?? {},
          }),
        )
        onStart?.(() => call.cancel())
      })
    },
    [Symbol.dispose]: () => raw.close(),
  }
}
