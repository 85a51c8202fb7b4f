import { createSecureContext } from 'node:tls'

/** Whether this Node's OpenSSL (3.5 and later) knows the hybrid group X25519MLKEM768. */
export function hasPostQuantum(): boolean {
  try {
    createSecureContext({ ecdhCurve: 'X25519MLKEM768' })
    return true
  } catch {
    return false
  }
}
