import type { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { EXIT, StartError } from '../errors/start-error.ts'
import type { CrlReason } from './crl-entries.ts'
import { type IssuedCrl, issueCrl } from './crl-write.ts'
import { signedBy } from './facts.ts'
import { setFiles } from './layout.ts'
import { distinguishedText, parseCertificates, readIfPresent } from './read.ts'

/** A certificate that is meant by a file or by its serial number alone. */
export interface Target {
  /** Upper-case hexadecimal without leading zeros. */
  readonly serial: string
  /** Null where only the number was given. */
  readonly subject: string | null
  readonly issuer: string | null
  readonly certificate: X509Certificate | null
}

/** Serial numbers have up to 20 octets (RFC 5280 4.1.2.2). */
const SERIAL = /^(0x)?[0-9A-Fa-f:]{1,60}$/

/**
 * Tells whom an argument means: the first certificate of a file, else a serial number in hexadecimal.
 * @throws StartError: usage for what is neither; config for a file without certificate
 */
export async function readTarget(argument: string): Promise<Target> {
  const isFile = await stat(argument).then(
    (facts) => facts.isFile(),
    () => false,
  )
  if (isFile) {
    const [certificate] = parseCertificates((await readIfPresent(argument)) ?? '', argument)
    const subject = distinguishedText(certificate.subject)
    const issuer = distinguishedText(certificate.issuer)
    return { serial: bareSerial(certificate.serialNumber), subject, issuer, certificate }
  }
  if (SERIAL.test(argument)) return { serial: bareSerial(argument), subject: null, issuer: null, certificate: null }
  throw new StartError(
    EXIT.usage,
    `${argument}: no such file, and no serial number in hexadecimal`,
    'give a certificate file, or the serial number that redkite certs inspect or the log prints',
  )
}

/**
 * Puts certificates on the authority's list (`ca.crl` beside it).
 * @throws StartError as `issueCrl`; config for a file whose certificate another authority issued
 */
export async function revokeCertificates(request: {
  readonly directory: string
  readonly targets: readonly Target[]
  readonly reason: CrlReason
  readonly days?: number
  readonly now: Date
}): Promise<IssuedCrl> {
  const { directory, targets, reason, days, now } = request
  const path = setFiles(directory).ca
  const pem = await readIfPresent(path)
  const authority = pem === null ? null : parseCertificates(pem, path)[0]
  for (const { certificate, subject, issuer } of targets) {
    if (certificate === null || authority === null || signedBy(certificate, authority)) continue
    throw new StartError(
      EXIT.config,
      `${subject} was not issued by ${path}, but by ${issuer}`,
      'revoke it where its authority is kept (--dir), or refuse it here with redkite tls deny',
    )
  }
  const revoked = [...new Set(targets.map(({ serial }) => serial))].map((serial) => ({ serial, reason }))
  return issueCrl({ directory, revoked, ...(days === undefined ? {} : { days }), now })
}

function bareSerial(text: string): string {
  const digits = text.replace(/^0x/, '').replaceAll(':', '').toUpperCase().replace(/^0+/, '')
  return digits === '' ? '0' : digits
}
