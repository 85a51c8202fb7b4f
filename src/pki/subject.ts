import { EXIT, StartError } from '../errors/start-error.ts'
import type { SubjectFields } from './model.ts'

/** One attribute of a distinguished name with its ASN.1 string type, in the form the certificate library takes. */
type NameAttribute = Record<string, { printableString?: string; utf8String?: string }[]>

/** Upper bounds of X.520 (RFC 5280 appendix A.1), in characters. */
const ATTRIBUTES = [
  { field: 'country', type: 'C', charactersMax: 2 },
  { field: 'state', type: 'ST', charactersMax: 128 },
  { field: 'location', type: 'L', charactersMax: 128 },
  { field: 'organization', type: 'O', charactersMax: 64 },
  { field: 'unit', type: 'OU', charactersMax: 64 },
] as const satisfies readonly { field: keyof SubjectFields; type: string; charactersMax: number }[]

const COMMON_NAME_MAX = 64

/**
 * A distinguished name in the order C, ST, L, O, OU, CN. The country is a PrintableString, everything else UTF-8
 * (RFC 5280 4.1.2.4).
 * @throws StartError (usage) for an empty, overlong or unprintable value, naming the field and the remedy.
 */
export function distinguishedName(fields: SubjectFields, commonName: string): NameAttribute[] {
  const name: NameAttribute[] = []
  for (const { field, type, charactersMax } of ATTRIBUTES) {
    const value = fields[field]
    if (value === undefined) continue
    checkText(field, value, charactersMax)
    if (field === 'country') checkCountry(value)
    name.push({ [type]: [field === 'country' ? { printableString: value } : { utf8String: value }] })
  }
  checkText('common name', commonName, COMMON_NAME_MAX)
  name.push({ CN: [{ utf8String: commonName }] })
  return name
}

/**
 * The common name of a new certificate authority, e.g. `Example Ltd private CA 4F0A91C2`. The short id keeps two
 * authorities of one organisation apart, and the subject different from every leaf's: the documentation's script gives
 * all three one subject, which makes a leaf look self-issued.
 */
export function authorityName(organization: string | undefined, shortId: string): string {
  const tail = ` private CA ${shortId}`
  return `${(organization ?? 'Redkite').slice(0, COMMON_NAME_MAX - tail.length)}${tail}`
}

function checkCountry(value: string): void {
  if (!/^[A-Z]{2}$/.test(value)) {
    throw new StartError(
      EXIT.usage,
      `country ${JSON.stringify(value)} is not a country code`,
      'give the two capital letters of ISO 3166, e.g. --country DE',
    )
  }
}

function checkText(field: string, value: string, charactersMax: number): void {
  const length = [...value].length
  if (length === 0 || value.trim() !== value) {
    throw new StartError(
      EXIT.usage,
      `${field} ${JSON.stringify(value)} is empty or begins or ends with a space`,
      'give a value, or leave the flag out',
    )
  }
  if (length > charactersMax) {
    throw new StartError(
      EXIT.usage,
      `${field} has ${length} characters, at most ${charactersMax} fit into a certificate`,
      field === 'common name'
        ? 'choose a shorter name; a longer host name may be given as a further NAME'
        : 'shorten it',
    )
  }
  // Control characters in a subject make other programs' text forms ambiguous; identity rules would read them wrongly.
  if (/\p{Cc}/u.test(value)) {
    throw new StartError(EXIT.usage, `${field} ${JSON.stringify(value)} holds a control character`, 'remove it')
  }
}
