/**
 * Client certificates of every good and bad kind, as data: what each is, and what a port that checks client
 * certificates makes of it. The table of the handshake matrix.
 */
import { type Made, make, type Wish } from './certificates.ts'
import { largeRsaKeys } from './large-rsa.ts'
import type { ClientTls } from './tls-client.ts'

/** Authorities and lists that the kinds are made with. */
export interface Authorities {
  /** In the server's CA file: a root, and one that allows no CA below itself. */
  readonly root: Made
  readonly narrow: Made
  /** In nobody's. */
  readonly other: Made
}

export async function makeAuthorities(): Promise<Authorities> {
  const [root, narrow, other] = await Promise.all([
    make({ cn: 'root', ca: true }),
    make({ cn: 'narrow root', ca: true, pathLength: 0 }),
    make({ cn: 'other root', ca: true }),
  ])
  return { root, narrow, other }
}

export interface Verdict {
  /** Of `REFUSAL_REASONS`; null = admitted. */
  readonly reason: string | null
  /** What the cause says, in the log and under explain. */
  readonly says: RegExp
}

export interface ClientKind {
  readonly what: string
  /** The verdict of a port in mode 2. */
  readonly mutual: Verdict
  /** That of an internal port which names its peers; absent: as `mutual`, or `peerNotAllowed` for who is admitted there. */
  readonly internal?: Verdict
  /** On the deny list, or on the revocation list, of the server. */
  readonly revoked?: 'denied' | 'listed'
  make(authorities: Authorities): Promise<Made | null>
  readonly tls?: ClientTls
}

export const ADMITTED: Verdict = { reason: null, says: /^/ }
/** The name that an internal port admits. */
export const PEER = 'proxy.internal'
const refused = (reason: string, says: RegExp): Verdict => ({ reason, says })
const UNKNOWN = /signed by unknown authority \(issuer/
const SERVER_ONLY = /it allows serverAuth only, clientAuth is needed/

/** A client certificate of an authority, with clientAuth unless the wish says otherwise. */
const by =
  (authority: keyof Authorities, wish: Partial<Wish> = {}) =>
  (authorities: Authorities): Promise<Made> =>
    make({ cn: 'client', by: authorities[authority], usages: ['clientAuth'], names: ['client.example'], ...wish })

/** The same with more certificates sent after it. */
async function withChain(leaf: Promise<Made>, ...chain: readonly Made[]): Promise<Made> {
  const made = await leaf
  return { ...made, pem: [made, ...chain].map(({ pem }) => pem).join('') }
}

const WEAK: ClientTls = { ciphers: 'DEFAULT:@SECLEVEL=0' }

export const clientKinds: readonly ClientKind[] = [
  {
    what: 'no certificate',
    mutual: refused('noClientCertificate', /client didn't provide a certificate/),
    make: async () => null,
  },
  { what: 'EC P-256', mutual: ADMITTED, make: by('root') },
  { what: 'RSA 2048', mutual: ADMITTED, make: by('root', { keyKind: 'rsa' }) },
  { what: 'Ed25519', mutual: ADMITTED, make: by('root', { keyKind: 'ed25519' }) },
  {
    what: 'a peer of the internal port',
    mutual: ADMITTED,
    internal: ADMITTED,
    make: by('root', { names: [PEER] }),
  },
  {
    what: 'a chain through an intermediate',
    mutual: ADMITTED,
    make: async (authorities) => {
      const middle = await make({ cn: 'middle', ca: true, by: authorities.root })
      return withChain(by('root', { by: middle })(authorities), middle)
    },
  },
  { what: 'no extended key usage', mutual: ADMITTED, make: by('root', { usages: [] }) },
  { what: 'both usages', mutual: ADMITTED, make: by('root', { usages: ['serverAuth', 'clientAuth'] }) },
  { what: 'no alternative name', mutual: ADMITTED, make: by('root', { names: [] }) },
  { what: 'two common names', mutual: ADMITTED, make: by('root', { subject: [{ CN: ['a'] }, { CN: ['b'] }] }) },
  { what: 'a common name with NUL', mutual: ADMITTED, make: by('root', { subject: [{ CN: ['a\0b'] }] }) },
  { what: 'a common name with a newline', mutual: ADMITTED, make: by('root', { subject: [{ CN: ['a\nb'] }] }) },
  { what: 'a common name of 10 kB', mutual: ADMITTED, make: by('root', { subject: [{ CN: ['a'.repeat(10_240)] }] }) },
  {
    what: '200 alternative names',
    mutual: ADMITTED,
    make: by('root', { names: Array.from({ length: 200 }, (_, index) => `n${index}.example`) }),
  },
  {
    what: 'serverAuth only (the page’s script)',
    mutual: refused('invalidPurpose', SERVER_ONLY),
    make: by('root', { cn: 'page', usages: ['serverAuth'] }),
  },
  {
    what: 'serverAuth only, of another CA',
    mutual: refused('unknownAuthority', UNKNOWN),
    make: by('other', { cn: 'forged page', usages: ['serverAuth'] }),
  },
  {
    what: 'serverAuth only, of another CA, with its chain',
    mutual: refused('unknownAuthority', UNKNOWN),
    make: (authorities) =>
      withChain(by('other', { cn: 'forged page, chained', usages: ['serverAuth'] })(authorities), authorities.other),
  },
  {
    what: 'expired',
    mutual: refused('expired', /has expired: current time .* is after/),
    make: by('root', { cn: 'expired', fromDays: -9, toDays: -2 }),
  },
  {
    what: 'not yet valid',
    mutual: refused('notYetValid', /not yet valid: current time .* is before/),
    make: by('root', { cn: 'not yet', fromDays: 2 }),
  },
  { what: 'another CA', mutual: refused('unknownAuthority', UNKNOWN), make: by('other', { cn: 'stranger' }) },
  {
    what: 'another CA, with its root',
    mutual: refused('unknownAuthority', UNKNOWN),
    make: (authorities) => withChain(by('other', { cn: 'stranger, chained' })(authorities), authorities.other),
  },
  {
    what: 'another CA of the same name',
    mutual: refused('unknownAuthority', /issuer CN=root; the CA file trusts CN=root/),
    make: async (authorities) => by('root', { cn: 'namesake', by: await make({ cn: 'root', ca: true }) })(authorities),
  },
  {
    what: 'self-signed',
    mutual: refused('unknownAuthority', /issuer CN=myself/),
    make: by('root', { cn: 'myself', by: null }),
  },
  {
    what: 'revoked by the revocation list',
    revoked: 'listed',
    mutual: refused('revoked', /revo/),
    make: by('root', { cn: 'listed' }),
  },
  {
    what: 'revoked by the deny list',
    revoked: 'denied',
    mutual: refused('revoked', /deny list: left/),
    make: by('root', { cn: 'denied' }),
  },
  {
    what: 'a leaf used as a CA',
    mutual: refused('unknownAuthority', /issuer CN=no ca/),
    make: async (authorities) => {
      const middle = await make({ cn: 'no ca', by: authorities.root, usages: ['clientAuth'] })
      return withChain(by('root', { cn: 'below a leaf', by: middle })(authorities), middle)
    },
  },
  {
    what: 'a chain longer than its root allows',
    mutual: refused('unknownAuthority', /issuer CN=too deep/),
    make: async (authorities) => {
      const middle = await make({ cn: 'too deep', ca: true, by: authorities.narrow })
      return withChain(by('root', { cn: 'below too deep', by: middle })(authorities), middle)
    },
  },
  {
    what: 'an unknown critical extension',
    mutual: refused('unverified', /could not be verified: .*critical extension/),
    make: by('root', { cn: 'critical', extensions: [['1.3.6.1.4.1.99999.1', true, '0500']] }),
  },
  {
    what: 'RSA 1024',
    mutual: refused('weakKey', /1024 bits/),
    make: by('root', { cn: 'weak', keyKind: 'rsa1024' }),
    tls: WEAK,
  },
  {
    what: 'RSA 16384',
    mutual: refused('weakKey', /163\d\d bits \(at most 8192/),
    make: async (authorities) => by('root', { cn: 'huge', keys: await largeRsaKeys() })(authorities),
  },
  {
    what: 'a SHA-1 signature',
    mutual: refused('unverified', /could not be verified: .*SHA-1 signature/),
    make: by('root', { cn: 'sha1', hash: 'SHA-1' }),
    tls: WEAK,
  },
]
