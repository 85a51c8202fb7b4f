import { EXIT, StartError } from '../errors/start-error.ts'
import type { AdminTarget } from './admin-client.ts'

const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
])

/** Says why no answer came (codes of Node and OpenSSL) and what to do about it. */
export function explainAdminFault(thrown: unknown, target: AdminTarget): StartError {
  if (thrown instanceof StartError) return thrown
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const code = 'code' in error ? String(error.code) : error.name
  const [text, hint] = words(code, error.message, target)
  return new StartError(EXIT.unavailable, `${target.uri.origin}: ${text}`, hint, { cause: thrown })
}

function words(code: string, message: string, target: AdminTarget): readonly [text: string, hint: string] {
  const { ca, client, timeoutMs } = target
  if (code === 'ECONNREFUSED') return ['connection refused', 'start the server, or correct --uri']
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return ['its name does not resolve', 'correct --uri']
  if (code === 'TimeoutError' || code === 'ABORT_ERR' || code === 'ETIMEDOUT')
    return [`no answer within ${timeoutMs / 1_000} s`, 'look at the server and at the network in between']
  if (UNTRUSTED.has(code)) {
    const trusted = ca === null ? 'none is given, and no public one signed it' : 'the one of --ca did not sign it'
    return [
      `its certificate is of no trusted authority (${trusted}; ${code})`,
      'give the CA file of the server: --ca ca.pem',
    ]
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return [`its certificate is for other names (${message})`, 'dial one of its names, or give one with --server-name']
  if (code === 'CERT_HAS_EXPIRED') return ['its certificate has expired', 'renew it there: redkite certs renew']
  if (code === 'CERT_NOT_YET_VALID') return ['its certificate is not valid yet', 'check the clocks of both machines']
  if (code === 'INVALID_PURPOSE') return ['its certificate is not for servers', 'give the server one for serverAuth']
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(code))
    return ['it does not speak TLS', 'use http:// on the machine itself, or switch TLS on there']
  if (
    /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED)|CERTIFICATE_REQUIRED/.test(code) ||
    code === 'ECONNRESET'
  ) {
    const text = `it closed the connection (${code})`
    if (client === null) return [text, 'in mutual mode (tlsMode 2) a client certificate is needed: --cert and --key']
    return [text, 'its log says why the client certificate was refused']
  }
  return [`${code}: ${message}`, 'look at the log of the server']
}
