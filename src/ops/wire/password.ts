import { fault } from '../../errors/error.ts'
import { Secret } from '../../model/calls.ts'

/**
 * Undoes the base64 that clients send passwords in.
 * @throws RedkiteError `invalidParameter`; the text never shows the password.
 */
export function passwordOf(encoded: string): Secret {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4 !== 0) {
    throw fault('invalidParameter', 'decode password fail: illegal base64 data')
  }
  return new Secret(Buffer.from(encoded, 'base64').toString('utf8'))
}

/** The mirror of `passwordOf`: base64, as every client sends it. */
export function passwordText(password: Secret): string {
  return Buffer.from(password.reveal(), 'utf8').toString('base64')
}
