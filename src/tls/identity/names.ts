import type { CertificateNames } from '../../pki/certificate-names.ts'
import { isTreacherous } from './rule.ts'

/** More alternative names than anybody needs to say who a client is. */
const NAMES_MAX = 100
/** Characters a value may have: RFC 5280 says 64 for a CN, RFC 1035 253 for a host, SPIFFE 2048 for a URI. */
const CHARS_MAX = { value: 256, name: 1_024, uri: 2_048, dns: 253 } as const

/**
 * Why no name of this certificate may decide who a client is; null = all are plain. One doubtful name spoils the whole
 * certificate: whoever could smuggle one in chose the others too.
 */
export function namesFault(names: CertificateNames): string | null {
  const { uris, emails, dnsNames, otherNames, commonNames, subjectValues, distinguishedName } = names
  const alternative = uris.length + emails.length + dnsNames.length + otherNames
  if (alternative > NAMES_MAX) return `${alternative} alternative names, at most ${NAMES_MAX} are read`
  if (commonNames.length > 1) return `${commonNames.length} common names in the subject`
  const values = [...uris, ...emails, ...dnsNames, ...subjectValues]
  if (values.some((value) => isTreacherous(value))) {
    return 'a name with NUL, a control character, an invisible or direction-changing character, or broken text'
  }
  // the library writes what is no text as `#` and hexadecimal, which a text could pretend to be
  if (subjectValues.some((value) => value.startsWith('#'))) return 'a value in the subject that is no text'
  const isLong =
    [...emails, ...subjectValues].some((value) => value.length > CHARS_MAX.value) ||
    uris.some((value) => value.length > CHARS_MAX.uri) ||
    dnsNames.some((value) => value.length > CHARS_MAX.dns) ||
    distinguishedName.length > CHARS_MAX.name
  return isLong ? 'a name that is too long to be one' : null
}
