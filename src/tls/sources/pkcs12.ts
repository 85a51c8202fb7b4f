import { createDecipheriv, createPrivateKey, type KeyObject, pbkdf2, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'
import { child, type Der, DerError, integer, octets, oid, readDer, TAG } from './der.ts'

const deriveKey = promisify(pbkdf2)

/** What a bundle holds: one key, its certificate first, then the others in the order of the bundle. */
export interface Bundle {
  readonly key: KeyObject
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
}

/** Why a bundle cannot be used; `kind` tells remedies apart. */
export class BundleError extends Error {
  override readonly name = 'BundleError'
  readonly kind: 'passphrase' | 'legacy' | 'incomplete' | 'damaged'

  constructor(kind: BundleError['kind'], text: string) {
    super(text)
    this.kind = kind
  }
}

/** Above this a bundle would hold up the whole process for seconds; OpenSSL writes 2048, Java 10000. */
export const ITERATIONS_MAX = 2_000_000

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
} as const

/** RFC 8018 B.1.2; the first is the default. */
const DIGESTS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
}

/**
 * Opens a PKCS#12 bundle (RFC 7292) encrypted as today's tools do, by PBES2 with AES. OpenSSL checks the bundle's
 * integrity and passphrase first; it hands nothing out again, so key and certificates are taken from the ASN.1 here
 * (a secure context made of the bundle would also trust all certificates in it as client CAs, unasked).
 * @throws BundleError
 */
export async function openBundle(bytes: Buffer, passphrase: string): Promise<Bundle> {
  try {
    const safes = authenticatedSafe(bytes)
    checkIntegrity(bytes, passphrase)
    const bags: Der[] = []
    for (const info of safes) bags.push(...(await bagsOf(info, passphrase)))
    return assemble(bags, passphrase)
  } catch (error) {
    if (error instanceof DerError) throw new BundleError('damaged', `no readable PKCS#12 bundle: ${error.message}`)
    throw error
  }
}

function authenticatedSafe(bytes: Buffer): readonly Der[] {
  const pfx = readDer(bytes)
  const info = child(pfx, 1, TAG.sequence)
  if (oid(child(info, 0, TAG.oid)) !== OID.data) throw new DerError('it is signed by a key, not by a passphrase')
  const mac = pfx.children[2]
  if (mac?.children[2] !== undefined) checkIterations(integer(mac.children[2]))
  return readDer(octets(explicit(info))).children
}

/** The one element within a `[0]`. */
function explicit(parent: Der): Der {
  const wrapped = child(parent, 1, TAG.context0).children[0]
  if (wrapped === undefined) throw new DerError('an empty element')
  return wrapped
}

function checkIterations(iterations: number): void {
  if (iterations <= ITERATIONS_MAX) return
  throw new BundleError('damaged', `its passphrase is to be hashed ${iterations} times (max ${ITERATIONS_MAX})`)
}

function checkIntegrity(pfx: Buffer, passphrase: string): void {
  try {
    createSecureContext({ pfx, passphrase })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (/mac verify|bad decrypt|mac absent/i.test(text)) throw new BundleError('passphrase', 'the passphrase is wrong')
    if (/unsupported/i.test(text)) throw legacy()
    // opened, and something is not in it: `assemble` says what
    if (/unable to load/i.test(text)) return
    throw new BundleError('damaged', `no readable PKCS#12 bundle: ${text}`)
  }
}

function legacy(): BundleError {
  return new BundleError('legacy', 'the bundle is encrypted by an outdated algorithm (RC2 or 3DES)')
}

async function bagsOf(info: Der, passphrase: string): Promise<readonly Der[]> {
  const type = oid(child(info, 0, TAG.oid))
  if (type === OID.data) return readDer(octets(explicit(info))).children
  if (type !== OID.encryptedData) throw new DerError('a part is encrypted for a certificate, not by a passphrase')
  const content = child(explicit(info), 1, TAG.sequence)
  const sealed = octets(child(content, 2, TAG.context0))
  return readDer(await decrypt(child(content, 1, TAG.sequence), sealed, passphrase)).children
}

/** PBES2 (RFC 8018 6.2): PBKDF2 and a block cipher. */
async function decrypt(algorithm: Der, sealed: Buffer, passphrase: string): Promise<Buffer> {
  if (oid(child(algorithm, 0, TAG.oid)) !== OID.pbes2) throw legacy()
  const parameters = child(algorithm, 1, TAG.sequence)
  const derivation = child(parameters, 0, TAG.sequence)
  const scheme = child(parameters, 1, TAG.sequence)
  const cipher = CIPHERS[oid(child(scheme, 0, TAG.oid))]
  if (oid(child(derivation, 0, TAG.oid)) !== OID.pbkdf2 || cipher === undefined) throw legacy()
  const [salt, iterations, ...options] = child(derivation, 1, TAG.sequence).children
  if (salt === undefined || iterations === undefined) throw new DerError('parameters of PBKDF2 are missing')
  checkIterations(integer(iterations))
  const prf = options.find((option) => option.tag === TAG.sequence)
  const digest = prf === undefined ? 'sha1' : DIGESTS[oid(child(prf, 0, TAG.oid))]
  if (digest === undefined) throw legacy()
  const key = await deriveKey(passphrase, octets(salt), integer(iterations), cipher.keyBytes, digest)
  const decipher = createDecipheriv(cipher.name, key, octets(child(scheme, 1, TAG.octets)))
  return Buffer.concat([decipher.update(sealed), decipher.final()])
}

function assemble(bags: readonly Der[], passphrase: string): Bundle {
  const keys: KeyObject[] = []
  const certificates: X509Certificate[] = []
  for (const bag of bags) {
    const type = oid(child(bag, 0, TAG.oid))
    const value = explicit(bag)
    if (type === OID.keyBag) keys.push(createPrivateKey({ key: value.whole, format: 'der', type: 'pkcs8' }))
    if (type === OID.shroudedKeyBag) keys.push(openKey(value, passphrase))
    if (type === OID.certBag && oid(child(value, 0, TAG.oid)) === OID.x509Certificate) {
      certificates.push(new X509Certificate(octets(explicit(value))))
    }
  }
  const [key, second] = keys
  if (key === undefined) throw new BundleError('incomplete', 'the bundle holds no private key')
  if (second !== undefined) throw new BundleError('incomplete', `the bundle holds ${keys.length} private keys`)
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (leaf === undefined) throw new BundleError('incomplete', 'the bundle holds no certificate for its private key')
  return { key, certificates: [leaf, ...certificates.filter((certificate) => certificate !== leaf)] }
}

function openKey(value: Der, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key: value.whole, format: 'der', type: 'pkcs8', passphrase })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw code.includes('UNSUPPORTED') ? legacy() : new BundleError('damaged', 'its private key cannot be read')
  }
}
