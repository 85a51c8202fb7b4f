import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { bind } from './bind.ts'
import { defaultLimits } from './limits.ts'

export interface ManagementOptions {
  /** Milvus listens on all interfaces; here it is loopback unless told otherwise (design.md 5). */
  readonly host: string
  /** 9091; 0 picks a free one. */
  readonly port: number
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
}

export interface ManagementListener extends AsyncDisposable {
  readonly host: string
  readonly port: number
}

/** Requests here are a few lines of text: probes and a scrape. */
const CONNECTIONS_MAX = 256

/**
 * The plaintext HTTP/1.1 port for probes and metrics, apart from all that carries data. Disposing stops it at once.
 * Throws `StartError` when the port cannot be had.
 */
export async function listenManagement(options: ManagementOptions): Promise<ManagementListener> {
  const server = createServer(
    {
      maxHeaderSize: defaultLimits.headerBytesMax,
      headersTimeout: defaultLimits.headersTimeoutMs,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
    },
    options.handler,
  )
  server.maxConnections = CONNECTIONS_MAX
  const port = await bind(server, 'management', options.host, options.port)
  return {
    host: options.host,
    port,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}
