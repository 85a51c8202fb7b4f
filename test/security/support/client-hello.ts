/** The first flight of a real client, to be told otherwise. */
import { duplexPair } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'

/** The whole first record of a ClientHello. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const [near, far] = duplexPair()
  const client = connect({ socket: near, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'], ...options })
  client.on('error', () => {})
  let bytes: Buffer = Buffer.alloc(0)
  for await (const chunk of far) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    if (bytes.length > 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) break
  }
  client.destroy()
  return bytes
}
