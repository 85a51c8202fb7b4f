import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { EXIT, StartError } from '../errors/start-error.ts'

/** A subject alternative name: its GeneralName type (RFC 5280 4.2.1.6) and its value. */
export interface AlternativeName {
  readonly type: 'dns' | 'ip' | 'email' | 'url'
  readonly value: string
}

/** Names by which every server certificate can be dialled from its own machine. */
export const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'] as const

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * Reads a name that clients dial: an IP address, or a DNS name (a `*` is allowed as the whole first label, as
 * RFC 6125 6.4.3 does; international names are turned to their ASCII form).
 * @throws StartError (usage) that names the value and the remedy.
 */
export function parseServerName(text: string): AlternativeName {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  if (isIP(bare) !== 0) return { type: 'ip', value: canonicalAddress(bare) }
  // The URL parser below would quietly drop line breaks and tabs.
  if (/[\s\p{Cc}]/u.test(text)) throw notAName(text)
  const ascii = text.startsWith('*.') ? `*.${domainToASCII(text.slice(2))}` : domainToASCII(text)
  const labels = ascii.replace(/^\*\./, '').split('.')
  if (ascii.length > 253 || !labels.every((label) => LABEL.test(label))) throw notAName(text)
  // A name such as 10.0.0.256 would be issued as a DNS name that no client ever asks for.
  if (labels.every((label) => /^\d+$/.test(label))) throw notAName(text)
  return { type: 'dns', value: ascii }
}

/** The names of a server certificate: its common name, the local names and the given ones, each once, in that order. */
export function serverNames(commonName: string, given: readonly string[]): readonly AlternativeName[] {
  return unique([commonName, ...given, ...LOCAL_NAMES].map(parseServerName))
}

/**
 * The names of a client certificate: its common name where that is a DNS name or an e-mail address, else none. Server
 * names are left out on purpose: nobody dials a client, and a rule that maps names to users must not meet `localhost`.
 */
export function clientNames(commonName: string): readonly AlternativeName[] {
  if (/^[^\s@]+@[A-Za-z0-9.-]+$/.test(commonName)) return [{ type: 'email', value: commonName }]
  return LABEL.test(commonName) || /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(commonName)
    ? [{ type: 'dns', value: commonName }]
    : []
}

/** One spelling for one address: `0:0:0:0:0:0:0:1` and `::1` are the same name. Text that is no address is returned as is. */
export function canonicalAddress(text: string): string {
  return isIP(text) === 6 ? new URL(`http://[${text.replace(/%.*$/, '')}]`).hostname.slice(1, -1) : text
}

function unique(names: readonly AlternativeName[]): readonly AlternativeName[] {
  const seen = new Map(names.map((name) => [`${name.type}:${name.value}`, name]))
  return [...seen.values()]
}

function notAName(text: string): StartError {
  return new StartError(
    EXIT.usage,
    `${JSON.stringify(text)} is not a host name or IP address`,
    'give the bare name that clients dial, e.g. db.example.com or 10.0.0.5: no scheme, no port, no path',
  )
}
