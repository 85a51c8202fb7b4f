import { type Check, fail, ok, skip, warn } from './check.ts'
import { type Dial, type DialFault, dialTls, isCertificateAlert, type Version } from './dial.ts'
import { look, type Seen } from './look.ts'

const HYBRID = 'X25519MLKEM768'

/** Which versions and key exchanges a server takes: nothing below TLS 1.2 may be answered. */
export async function checkVersions(dial: Dial): Promise<readonly Check[]> {
  const [old10, old11, v12, hybrid] = await Promise.all([
    look(only(dial, 'TLSv1')),
    look(only(dial, 'TLSv1.1')),
    look(only(dial, 'TLSv1.2')),
    dialTls({ ...dial, minVersion: 'TLSv1.3', groups: HYBRID }),
  ])
  if (hybrid.kind === 'open') hybrid.socket.destroy()
  return [oldVersions(old10, old11), tls12(v12), postQuantum(hybrid.kind === 'open', hybrid)]
}

/** The highest of the old versions that a server takes; null where it takes none. */
export async function oldestSpoken(dial: Dial): Promise<'TLS 1.1' | 'TLS 1.0' | null> {
  if (isSpoken(await look(only(dial, 'TLSv1.1')))) return 'TLS 1.1'
  return isSpoken(await look(only(dial, 'TLSv1'))) ? 'TLS 1.0' : null
}

function only(dial: Dial, version: Version): Dial {
  return { ...dial, minVersion: version, maxVersion: version }
}

/** An alert about certificates comes from a server that has agreed to the version. */
function isSpoken(seen: Seen | DialFault): boolean {
  return seen.kind === 'seen' || (isCertificateAlert(seen.code) && !/HANDSHAKE_FAILURE/.test(seen.code))
}

function oldVersions(old10: Seen | DialFault, old11: Seen | DialFault): Check {
  const what = 'old protocols'
  const spoken = [isSpoken(old10) ? 'TLS 1.0' : '', isSpoken(old11) ? 'TLS 1.1' : ''].filter((one) => one !== '')
  if (spoken.length > 0) {
    const detail = `${spoken.join(' and ')} accepted: broken since 2011 (RFC 8996)`
    return fail(
      what,
      detail,
      'set the least version of the server, or of what stands before it, to TLS 1.2',
      'oldProtocol',
    )
  }
  return ok(what, 'TLS 1.0 and TLS 1.1 refused')
}

function tls12(v12: Seen | DialFault): Check {
  return ok('least version', isSpoken(v12) ? 'TLS 1.2 accepted' : 'TLS 1.2 refused: TLS 1.3 only')
}

function postQuantum(isOpen: boolean, outcome: { readonly kind: string }): Check {
  const what = 'post-quantum'
  if (isOpen) return ok(what, `${HYBRID} accepted`)
  if ('code' in outcome && /NO_GROUPS|UNSUPPORTED_GROUP|BAD_ECDH|CURVE/.test(String(outcome.code))) {
    return skip(what, 'this Node cannot ask for it')
  }
  const detail = `${HYBRID} refused: traffic recorded today can be read once quantum computers are there`
  return warn(
    what,
    detail,
    'Redkite offers it by default (redkite.tls.pq); so do servers built with Go 1.24 and OpenSSL 3.5',
    'noPostQuantum',
  )
}
