/** Good files of every kind that mutated ones are made of. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '../../../src/model/calls.ts'
import type { PassphraseFile } from '../../../src/tls/sources/passphrase.ts'
import { type Made, make } from '../../support/certificates.ts'
import { makeCrl } from '../../support/crls.ts'
import { openssl, run } from '../../support/tools.ts'
import { clientHello } from './client-hello.ts'

const PRIVATE = { mode: 0o600, uid: 0, gid: 0 }
export const PASSPHRASE = 'correct horse'

export interface Material {
  readonly passphrase: string
  readonly passphraseFile: PassphraseFile
  /** A pair and its authority, PEM. */
  readonly pem: string
  readonly key: string
  readonly ca: string
  readonly pems: readonly string[]
  readonly ders: readonly Buffer[]
  readonly keys: readonly string[]
  /** PKCS#8, plain and encrypted. */
  readonly keyDers: readonly Buffer[]
  readonly bundles: readonly Buffer[]
  readonly crls: readonly Buffer[]
  /** A list of the authority that names nobody here. */
  readonly goodCrl: Buffer
  /** A client of the authority, with a name of its own. */
  readonly client: Made
  readonly denyLists: readonly string[]
  readonly hellos: readonly Buffer[]
}

/** Keys in each form that operators have them in. */
function forms(made: Made): string[] {
  const key = createPrivateKey(made.key)
  const secret = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE }
  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
  const sealed = key.export({ ...pkcs8, ...secret }).toString()
  if (key.asymmetricKeyType === 'ed25519') return [made.key, sealed]
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
  const old = { type, format: 'pem' } as const
  return [made.key, sealed, String(key.export(old)), String(key.export({ ...old, ...secret }))]
}

function derForms(made: Made): Buffer[] {
  const key = createPrivateKey(made.key)
  const der = { type: 'pkcs8', format: 'der' } as const
  return [key.export(der), key.export({ ...der, cipher: 'aes-128-cbc', passphrase: PASSPHRASE })]
}

/** @param scratch a directory of the caller's, for what openssl makes */
export async function makeMaterial(scratch: string): Promise<Material> {
  const ca = await make({ cn: 'root', ca: true })
  const strange = { subject: [{ CN: ['a, b=c'] }, { O: ['é"\\#'] }], uris: ['spiffe://x/y'], emails: ['a@b.example'] }
  const made = await Promise.all([
    make({ cn: 'localhost', by: ca, usages: ['serverAuth'] }),
    make({ cn: 'r', by: ca, keyKind: 'rsa' }),
    make({ cn: 'e', by: ca, keyKind: 'ed25519', ...strange }),
  ])
  const [pair] = made
  const lists = await Promise.all([makeCrl({ by: ca, revoked: made }), makeCrl({ by: ca, number: null })])
  const serial = pair?.certificate.serialNumber ?? ''
  return {
    passphrase: PASSPHRASE,
    passphraseFile: { ...PRIVATE, key: 'redkite.tls.passphraseFile', path: '/p', passphrase: new Secret(PASSPHRASE) },
    pem: pair?.pem ?? '',
    key: pair?.key ?? '',
    ca: ca.pem,
    pems: [
      ...made.map(({ pem }) => pem),
      (pair?.pem ?? '') + ca.pem,
      `Bag Attributes\r\n${ca.pem.replaceAll('\n', '\r\n')}`,
    ],
    ders: [...made, ca].map(({ certificate }) => Buffer.from(certificate.rawData)),
    keys: made.flatMap(forms),
    keyDers: made.flatMap(derForms),
    bundles: openssl.skip
      ? [Buffer.from([0x30, 0x80])]
      : [await bundle(scratch, made[0]), await bundle(scratch, made[1])],
    crls: lists.map(({ der }) => der),
    goodCrl: (await makeCrl({ by: ca, number: 2 })).der,
    client: await make({ cn: 'client', by: ca, usages: ['clientAuth'] }),
    denyLists: [
      `# a comment\nserial:${serial} issuer:CN=root # stolen\nspki:${'ab'.repeat(32)}\nsha256:${'AB:'.repeat(31)}AB # x\n`,
      'serial:0 issuer:CN=a\\, b,O="x"\r\n\r\nserial:7fffffffffffffffffffff # \u00e9\n',
    ],
    hellos: [
      await clientHello(),
      await clientHello({ maxVersion: 'TLSv1.2', ALPNProtocols: [] }),
      await clientHello({ ecdhCurve: 'P-256', servername: 'a.example' }),
    ],
  }
}

async function bundle(scratch: string, made: Made | undefined): Promise<Buffer> {
  const path = (name: string) => join(scratch, name)
  writeFileSync(path('k.pem'), made?.key ?? '')
  writeFileSync(path('c.pem'), made?.pem ?? '')
  const args = ['-export', '-inkey', path('k.pem'), '-in', path('c.pem'), '-passout', `pass:${PASSPHRASE}`]
  const { exitCode, stderr } = await run(openssl.path, ['pkcs12', ...args, '-out', path('b.p12')])
  if (exitCode !== 0) throw new Error(stderr)
  return readFileSync(path('b.p12'))
}
