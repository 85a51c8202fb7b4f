import type { IssuedCrl } from '../../../pki/crl-write.ts'
import { dateInWords } from '../../../pki/words.ts'

/** What was written, and what makes a server heed it. */
export function describeCrl({ path, issuer, number, nextUpdate, entries, added, already }: IssuedCrl): string {
  return [
    ...added.map((serial) => `revoked ${serial}`),
    ...already.map((serial) => `already revoked ${serial}`),
    `wrote ${path}`,
    `  issuer      ${issuer}`,
    `  number      ${number}, ${entries} ${entries === 1 ? 'certificate' : 'certificates'}`,
    `  valid until ${dateInWords(nextUpdate)}; make the next one before: redkite certs crl`,
    '',
    'A server heeds it with this in milvus.yaml, and takes each new list up by itself:',
    '  redkite:',
    '    tls:',
    `      crlPath: ${path}`,
    ...(added.length === 0
      ? []
      : [
          'At once and without a list of the authority, in the file of redkite.tls.denyListPath:',
          ...added.map((serial) => `  serial:${serial} issuer:${issuer}`),
        ]),
  ].join('\n')
}
