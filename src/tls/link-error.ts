import { WrongName } from './link-connect.ts'

/** Why a link does not come about, in words. */
export interface LinkFault {
  readonly message: string
  readonly remedy: string
}

const CLIENT_PAIR = 'redkite.upstream.clientPemPath and clientKeyPath'

/**
 * Names the cause of a link that failed (Node's and OpenSSL's error codes) and what to do about it.
 * @param uri as the operator wrote it
 */
export function explainLinkError(error: Error, uri: string): LinkFault {
  if (error instanceof WrongName) {
    return { message: error.message, remedy: 'set redkite.upstream.sni to a name that it carries, or renew it' }
  }
  const code = 'code' in error ? String(error.code) : ''
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message.trim()
  return network(code, error.message) ?? trust(code) ?? alert(code) ?? protocol(code, reason, uri)
}

function network(code: string, message: string): LinkFault | null {
  switch (code) {
    case 'ECONNREFUSED':
      return { message: 'connection refused', remedy: 'start the upstream, or correct redkite.upstream.uri' }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { message: `its host name does not resolve (${code})`, remedy: 'correct redkite.upstream.uri or the DNS' }
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { message: `not reachable: ${message}`, remedy: 'look at the network between the two' }
    case 'ECONNRESET':
    case 'EPIPE':
      return { message: 'connection reset', remedy: 'look at the log of the upstream' }
    default:
      return null
  }
}

function trust(code: string): LinkFault | null {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
      return {
        message: `x509: the certificate of the upstream is signed by an unknown authority (${code})`,
        remedy: 'name the CA that issued it in redkite.upstream.caPemPath (or internaltls.caPemPath)',
      }
    case 'CERT_HAS_EXPIRED':
      return { message: 'x509: the certificate of the upstream has expired', remedy: 'renew it there' }
    case 'CERT_NOT_YET_VALID':
      return {
        message: 'x509: the certificate of the upstream is not yet valid',
        remedy: 'check the clocks of the two machines',
      }
    case 'INVALID_PURPOSE':
      return {
        message: 'x509: the certificate of the upstream is not for serverAuth',
        remedy: 'give the upstream a server certificate',
      }
    default:
      return null
  }
}

function alert(code: string): LinkFault | null {
  if (/CERTIFICATE_REQUIRED/.test(code)) {
    return { message: 'the upstream asks for a client certificate', remedy: `set ${CLIENT_PAIR}` }
  }
  if (/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/.test(code)) {
    return {
      message: `the upstream refused our client certificate (${code})`,
      remedy: `let a CA that the upstream trusts issue ${CLIENT_PAIR}, for clientAuth and in date`,
    }
  }
  return null
}

function protocol(code: string, reason: string, uri: string): LinkFault {
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_LAYER/.test(code)) {
    return {
      message: `the upstream does not speak TLS (${reason})`,
      remedy: `switch TLS on there; nothing is sent in the clear because ${uri} says https`,
    }
  }
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/.test(code)) {
    return {
      message: `no common TLS version (${reason})`,
      remedy: 'let the upstream speak TLS 1.3 (1.2 does where no client certificate is shown)',
    }
  }
  if (/HANDSHAKE_FAILURE|NO_SHARED_CIPHER|NO_SUITABLE/.test(code)) {
    return { message: `no common TLS cipher or group (${reason})`, remedy: 'let the upstream offer AEAD ciphers' }
  }
  return { message: reason || code, remedy: 'look at the log of the upstream' }
}
