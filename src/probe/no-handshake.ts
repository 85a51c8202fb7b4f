import { type Check, fail } from './check.ts'
import type { Dial, DialFault } from './dial.ts'
import { probeH2c, probeHttp1 } from './plaintext.ts'
import { oldestSpoken } from './versions.ts'

const HANDSHAKE = 'handshake'

/** Why there is no handshake at all: plaintext on the other side, versions that are too old, no common ground, silence. */
export async function explainNoHandshake(dial: Dial, { code, message }: DialFault): Promise<Check> {
  if (/NO_APPLICATION_PROTOCOL/.test(code)) {
    const fix = 'give the gRPC port, or let the proxy before it offer h2'
    return fail(HANDSHAKE, 'the server offers no h2 by ALPN, which gRPC needs', fix, 'noAlpn')
  }
  if (code === 'TIMEOUT') {
    const fix = 'is it the port of Milvus? a server that is overloaded, or a firewall, says nothing too'
    return fail(HANDSHAKE, `the port takes connections and does not answer a handshake: ${message}`, fix, 'noAnswer')
  }
  const { host, port, timeoutMs } = dial
  const h2c = await probeH2c(host, port, timeoutMs)
  const plain = h2c.kind === 'served' ? h2c : await probeHttp1(host, port, timeoutMs)
  if (plain.kind === 'served') {
    const fix = 'set common.security.tlsMode to 1 or 2 on the server, or connect with http:// (pymilvus: secure=False)'
    return fail(
      HANDSHAKE,
      `this port speaks plaintext, and the address says https://: ${plain.detail}`,
      fix,
      'tlsToPlaintext',
    )
  }
  const old = await oldestSpoken(dial)
  if (old !== null) {
    const fix = 'update the server, or what stands before it: TLS 1.2 is the least that clients accept'
    return fail(HANDSHAKE, `the server speaks ${old} at most`, fix, 'oldProtocol')
  }
  if (/NO_SHARED|HANDSHAKE_FAILURE|NO_SUITABLE|INSUFFICIENT_SECURITY/.test(code)) {
    const fix = 'let the server offer AEAD ciphers with forward secrecy (TLS 1.3, or ECDHE with AES-GCM)'
    return fail(HANDSHAKE, `no cipher, group or signature in common (${message})`, fix, 'weak')
  }
  const fix = 'is it the port of Milvus (proxy.port)? see the log of the server'
  return fail(HANDSHAKE, `no TLS answer: ${message} (${code})`, fix, 'notTls')
}
