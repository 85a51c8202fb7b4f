import type { Command } from 'commander'
import { type InspectedEntry, type Inspection, inspectFile } from '../../../pki/inspect.ts'
import { dateInWords, lifeInWords } from '../../../pki/words.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'

const EXAMPLES = `
Examples:
  $ redkite certs inspect cert/server.pem
  $ redkite certs inspect cert/server.key -o json

Takes certificates and private keys in PEM, certificates in DER, and ca.srl. Keys are described, never printed: a key
belongs to a certificate when both have the same "public key sha256".`

/** `certs inspect FILE`: explains a file. */
export function addInspect(certs: Command, io: CliIo): void {
  certs
    .command('inspect')
    .description('explain a certificate or key file in words')
    .argument('<FILE>', 'PEM or DER file')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: { readonly output: OutputFormat }) => {
      const inspection = await inspectFile(file)
      printResult(io, options.output, describe(inspection, new Date()), inspection)
    })
}

function describe({ path, entries }: Inspection, now: Date): string {
  const many = entries.length > 1
  const parts = entries.map((entry, index) => {
    const title = many ? `${index + 1}. ${titleOf(entry)}` : titleOf(entry)
    return [title, ...linesOf(entry, now, many).map(([name, value]) => `   ${name.padEnd(18)}  ${value}`)].join('\n')
  })
  return [`${path}:`, ...parts].join('\n')
}

function titleOf(entry: InspectedEntry): string {
  switch (entry.kind) {
    case 'certificate':
      return entry.role
    case 'privateKey':
      return 'private key, not encrypted'
    case 'encryptedKey':
      return 'private key, encrypted with a passphrase'
    case 'serial':
      return 'serial number file of a certificate authority'
    case 'other':
      return `${entry.label.toLowerCase()} (not explained here)`
  }
}

type Line = readonly [name: string, value: string]

function linesOf(entry: InspectedEntry, now: Date, many: boolean): readonly Line[] {
  switch (entry.kind) {
    case 'certificate':
      return certificateLines(entry, now, many)
    case 'privateKey':
      return [
        ['key', `${entry.key}, ${entry.format}`],
        ['public key sha256', entry.publicKey256],
        ['keep', 'readable by its owner only (chmod 600); a server cannot ask for a passphrase'],
      ]
    case 'encryptedKey':
      return [
        ['format', entry.format],
        ['note', 'a server cannot use it; decrypt it with openssl pkey -in FILE -out PLAIN'],
      ]
    case 'serial':
      return [['last serial', `${entry.serial}; openssl x509 -CAserial continues from here`]]
    case 'other':
      return []
  }
}

function certificateLines(
  entry: Extract<InspectedEntry, { kind: 'certificate' }>,
  now: Date,
  many: boolean,
): readonly Line[] {
  const { facts } = entry
  const none = facts.authority ? 'none, as is usual for an authority' : 'none'
  const path = facts.pathLength === null ? 'no bound on the path' : `path length ${facts.pathLength}`
  return [
    ['subject', facts.subject === '' ? '(empty)' : facts.subject],
    ['issuer', facts.selfSigned ? 'itself (self-signed)' : facts.issuer],
    ['names', facts.names.length === 0 ? none : facts.names.join(' ')],
    ['valid from', dateInWords(facts.notBefore)],
    ['valid until', `${dateInWords(facts.notAfter)}: ${lifeInWords(facts, now)}`],
    ...(facts.authority ? [['may sign', `certificates, ${path}`] satisfies Line] : []),
    ['key usage', facts.keyUsage?.join(', ') ?? 'not stated, so every usage is allowed'],
    ['extended usage', extendedUsage(facts.extendedKeyUsage, facts.authority)],
    ['key', `${facts.publicKey}${facts.strong ? '' : '  (too weak)'}`],
    ['signature', facts.signature],
    ['serial', facts.serial],
    ['sha256', facts.fingerprint256],
    ['public key sha256', entry.publicKey256],
    ...(many ? [['chain', chainInWords(entry)] satisfies Line] : []),
  ]
}

function extendedUsage(usages: readonly string[] | null, authority: boolean): string {
  if (usages === null) return 'not stated, so every purpose is allowed'
  const shown = usages.join(', ')
  if (authority || usages.includes('clientAuth') || !usages.includes('serverAuth')) return shown
  return `${shown}: serves, but cannot be a client in mutual mode (tlsMode 2)`
}

function chainInWords({ facts, signedBy }: Extract<InspectedEntry, { kind: 'certificate' }>): string {
  if (facts.selfSigned) return 'the end of the chain'
  return signedBy === null ? 'its issuer is not in this file' : `signed by number ${signedBy}`
}
