import { setImmediate as breathe } from 'node:timers/promises'
import { DER_TAG, type DerElement, derChildren, derElement, expectTag } from './der.ts'

/** CRLReason of RFC 5280 5.3.1, by number; 7 is not used. */
export const CRL_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

export type CrlReason = keyof typeof CRL_REASONS

/** Entries read in one go before other work gets its turn: about a millisecond. */
const SLICE = 1_000

/** id-ce-cRLReasons, id-ce-invalidityDate, id-ce-holdInstructionCode, as hexadecimal content of the OID. */
const KNOWN_ENTRY_EXTENSIONS = new Set(['551d15', '551d18', '551d17'])

/** Where the entries of a list stand. */
export interface CrlEntries {
  /** First byte of the entry by serial number (upper-case hexadecimal without leading zeros, `-` before negative ones). */
  readonly offsets: ReadonlyMap<string, number>
  /** The OID content of a critical entry extension that is not known here; null = none. */
  readonly unknownCritical: string | null
}

/**
 * Finds the entries of `revokedCertificates` in slices, so that a list of any length does not hold up the event loop.
 * @throws RangeError for what is not DER
 */
export async function readCrlEntries(bytes: Buffer, list: DerElement): Promise<CrlEntries> {
  const offsets = new Map<string, number>()
  let unknownCritical: string | null = null
  let inSlice = 0
  for (let at = list.body; at < list.end; ) {
    const entry = expectTag(derElement(bytes, at, list.end), DER_TAG.sequence, 'a revoked certificate')
    at = entry.end
    const serial = expectTag(derElement(bytes, entry.body, entry.end), DER_TAG.integer, 'a serial number')
    const date = derElement(bytes, serial.end, entry.end)
    if (date.end < entry.end) unknownCritical ??= unknownCriticalOf(bytes, derElement(bytes, date.end, entry.end))
    offsets.set(serialText(bytes, serial), entry.start)
    inSlice += 1
    if (inSlice < SLICE) continue
    inSlice = 0
    await breathe()
  }
  return { offsets, unknownCritical }
}

function unknownCriticalOf(bytes: Buffer, element: DerElement): string | null {
  for (const extension of derChildren(bytes, expectTag(element, DER_TAG.sequence, 'crlEntryExtensions'))) {
    const { oid, isCritical } = readExtension(bytes, extension)
    if (isCritical && !KNOWN_ENTRY_EXTENSIONS.has(oid)) return oid
  }
  return null
}

/** An `Extension` of RFC 5280 4.1; `value` is the content of its octet string. */
export function readExtension(
  bytes: Buffer,
  extension: DerElement,
): { readonly oid: string; readonly isCritical: boolean; readonly value: DerElement } {
  const [oid, second, third] = derChildren(bytes, expectTag(extension, DER_TAG.sequence, 'an extension'))
  const flag = second?.tag === DER_TAG.boolean ? second : null
  const value = expectTag(flag === null ? second : third, DER_TAG.octetString, 'the value of an extension')
  return {
    oid: hex(bytes, expectTag(oid, DER_TAG.oid, 'an OID')),
    isCritical: flag !== null && bytes[flag.body] !== 0,
    value,
  }
}

/** The name of a reason code; what is not known counts as unspecified. */
export function reasonName(code: number | undefined): CrlReason {
  for (const [name, known] of Object.entries(CRL_REASONS)) if (known === code && isReason(name)) return name
  return 'unspecified'
}

/** Whether this is the name of a reason, as RFC 5280 spells it. */
export function isReason(name: string): name is CrlReason {
  return Object.hasOwn(CRL_REASONS, name)
}

/** An INTEGER as text of a serial number. */
export function serialText(bytes: Buffer, integer: DerElement): string {
  const first = bytes[integer.body] ?? 0
  if (first >= 0x80) return `-${(-derInteger(bytes, integer)).toString(16).toUpperCase()}`
  const digits = hex(bytes, integer).toUpperCase().replace(/^0+/, '')
  return digits === '' ? '0' : digits
}

/** The value of an INTEGER. */
export function derInteger(bytes: Buffer, integer: DerElement): bigint {
  const length = integer.end - integer.body
  return length === 0 ? 0n : BigInt.asIntN(length * 8, BigInt(`0x${hex(bytes, integer)}`))
}

function hex(bytes: Buffer, element: DerElement): string {
  return bytes.toString('hex', element.body, element.end)
}
