import type { RefusalReason } from './refusal.ts'

/** A handshake that broke off, in words. */
export interface HandshakeFault {
  readonly reason: RefusalReason
  readonly message: string
  readonly remedy: string
}

const TRUST_REMEDY =
  'the client does not trust this server: give it ca.pem (pymilvus: ca_pem_path or server_pem_path) and a name that the certificate carries (server_name)'

/** The fault of a client without certificate in mutual mode. First words: Go's, which Milvus logs. */
export const NO_CERTIFICATE: HandshakeFault = {
  reason: 'noClientCertificate',
  message: "tls: client didn't provide a certificate",
  remedy: 'tlsMode 2 needs one: give the client client.pem and client.key (pymilvus: client_pem_path, client_key_path)',
}

/**
 * Names the cause of a 'tlsClientError' (Node's and OpenSSL's error codes) and what to do about it.
 * `authorizationError` is the socket's: set when Node itself refused the client certificate.
 */
export function explainHandshakeError(
  error: Error,
  minVersion: string,
  authorizationError: unknown = null,
): HandshakeFault {
  const code = 'code' in error ? String(error.code) : ''
  const text = openSslReason(error)
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return NO_CERTIFICATE
  if (typeof authorizationError === 'string') {
    return {
      reason: 'unverified',
      message: `client certificate could not be verified: ${authorizationError}`,
      remedy: 'let a CA of the CA file issue it for clientAuth: redkite certs renew --client',
    }
  }
  if (/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|WRONG_VERSION_NUMBER|PROTOCOL_VERSION|INAPPROPRIATE_FALLBACK/.test(code)) {
    return {
      reason: 'versionTooLow',
      message: `tls: client offered only unsupported versions (${text})`,
      remedy: `this port needs ${minVersion} or later: update the client's TLS library`,
    }
  }
  if (/NO_SHARED_CIPHER|NO_SUITABLE|NO_SHARED_GROUP|NO_COMMON_SIGNATURE|NO_SHARED_SIGNATURE/.test(code)) {
    return {
      reason: 'noSharedCipher',
      message: text,
      remedy: 'the client offers no AEAD cipher or group that this port allows',
    }
  }
  if (code === 'ERR_SSL_NO_APPLICATION_PROTOCOL') {
    return {
      reason: 'noApplicationProtocol',
      message: text,
      remedy: 'offer h2 (gRPC, REST) or http/1.1 (REST) by ALPN',
    }
  }
  if (/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|UNSUPPORTED_CERTIFICATE)/.test(code)) {
    return {
      reason: 'clientRejectsCertificate',
      message: `the client refused this server's certificate: ${text}`,
      remedy: TRUST_REMEDY,
    }
  }
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') {
    return {
      reason: 'handshakeTimeout',
      message: 'TLS handshake timeout',
      remedy: 'the client connected but did not finish its handshake',
    }
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED') {
    return {
      reason: 'closedEarly',
      message: 'the client closed the connection during the handshake',
      remedy: TRUST_REMEDY,
    }
  }
  return {
    reason: 'malformed',
    message: text || code,
    remedy: 'the bytes received are not a TLS handshake that can be served',
  }
}

/** OpenSSL messages are `id:error:code:library:function:reason:file:line:`; only the reason is for people. */
function openSslReason(error: Error): string {
  if ('reason' in error && typeof error.reason === 'string') return error.reason
  return error.message.split(':')[5] ?? error.message.trim()
}
