import { oneOf, path } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** Client certificates that are no longer good. */
export const revocationKeys = {
  'redkite.tls.denyListPath': {
    type: path,
    default: '',
    doc: 'Client certificates that are refused in mutual mode, one a line (redkite tls deny writes it); changes hold within a second, open connections included.',
  },
  'redkite.tls.crlPath': {
    type: path,
    default: '',
    doc: 'Certificate revocation lists, PEM or DER: a file or a directory of files; read again when they change.',
  },
  'redkite.tls.crlMode': {
    type: oneOf(['soft', 'hard']),
    default: 'soft',
    doc: 'What happens to a client whose issuer has no current revocation list: soft admits it and raises an alarm, hard refuses it. A listed certificate is always refused.',
  },
} as const satisfies KeyRows
