import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { EXIT } from '../errors/start-error.ts'
import { SERVER_AUTH } from '../pki/purposes.ts'
import { MaterialFault } from './fault.ts'
import { context, type TlsFile, type TlsFileSet } from './files.ts'
import { isCertificate, isEncrypted, isPrivateKey, pemBlocks } from './pem.ts'
import { type Der, readDer, TAG } from './sources/der.ts'
import { weakness } from './strength.ts'

/** TLS material after parsing: what a generation is made of. */
export interface CheckedMaterial {
  /** Leaf first, then what else stands in the file: sent as it is. */
  readonly chain: readonly X509Certificate[]
  readonly key: KeyObject
  /** Trust anchors for client certificates; empty in one-way mode. */
  readonly anchors: readonly X509Certificate[]
  /** What works but should be looked at, one line each. */
  readonly warnings: readonly string[]
  /** Blocks of the CA file that do not parse: ignored at start as Milvus does, a reason to wait at a reload. */
  readonly damagedAnchors: number
}

const LEAF_FIRST = 'put the server certificate first, then the intermediates'

/**
 * Parses every PEM block and checks that the set can serve. OpenSSL alone is not enough: it accepts a pair of different
 * key types and an empty certificate silently and then fails every handshake, and drops all that follows a broken
 * block of a CA file. Throws `MaterialFault`. An expired own certificate is served with a warning, as Milvus does.
 */
export function checkMaterial(set: TlsFileSet, now: Date): CheckedMaterial {
  const warnings: string[] = []
  const chain = parseChain(set)
  const key = parseKey(set)
  checkPair(set, chain, key)
  const leaf = chain[0]
  if (leaf) warnings.push(...ownWarnings(set.serverPem, leaf, now))
  const { anchors, damaged } = set.caPem ? parseAnchors(set.caPem) : { anchors: [], damaged: 0 }
  if (set.caPem && damaged > 0) {
    warnings.push(`${set.caPem.key}: ${damaged} blocks of ${set.caPem.path} are no certificates and are ignored`)
  }
  for (const anchor of anchors) {
    if (anchor.validToDate < now) {
      warnings.push(`trust anchor ${oneLine(anchor.subject)} expired ${anchor.validTo}: its clients are refused`)
    }
  }
  return { chain, key, anchors, warnings, damagedAnchors: damaged }
}

function refuse(set: TlsFileSet, file: TlsFile, text: string, hint: string): MaterialFault {
  return new MaterialFault(
    EXIT.config,
    `${context(set.kind, file.role)}: ${file.key}: ${file.path}: ${text}`,
    `${hint}; a correct set comes from: redkite certs create`,
  )
}

function parseChain(set: TlsFileSet): readonly X509Certificate[] {
  const file = set.serverPem
  if (file.text.trim() === '') {
    throw refuse(set, file, 'the file is empty', 'write the certificate again, then rename it into place')
  }
  const { blocks, unfinished } = pemBlocks(file.text)
  if (unfinished) throw refuse(set, file, 'a PEM block has no end', 'the file is half-written; write it again')
  const certificates = blocks.filter(isCertificate)
  if (certificates.length === 0) {
    // Go's words (crypto/tls), which Milvus prints.
    const text = blocks.some(isPrivateKey)
      ? 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
      : 'tls: failed to find any PEM data in certificate input'
    const hint = `${file.key} must name the certificate, ${set.serverKey.key} the private key`
    throw refuse(set, file, text, notPem(file) ?? hint)
  }
  return certificates.map((block, index) => {
    try {
      return readCertificate(block.text)
    } catch {
      throw refuse(set, file, `certificate ${index + 1} of the file does not parse`, 'write the file again')
    }
  })
}

/** @throws Error also where only its public key cannot be read: OpenSSL finds that out when the key is needed. */
function readCertificate(text: string): X509Certificate {
  const certificate = new X509Certificate(text)
  certificate.publicKey
  return certificate
}

/** What a file that is not PEM at all looks like, as a remedy; null = like nothing known. */
function notPem({ text, path }: TlsFile): string | null {
  if (/^(?:\xff\xfe|\xfe\xff)/.test(text)) {
    return `the file is UTF-16 text: save it as plain ASCII (iconv -f UTF-16 -t ASCII ${path})`
  }
  const der = asDer(text)
  if (der === null) return null
  // a PKCS#12 bundle begins with its version, 3; a certificate with the sequence that is signed
  if (der.children[0]?.tag === TAG.integer && der.children[0].content[0] === 3) {
    return 'the file is a PKCS#12 bundle: name it by redkite.tls.pkcs12Path instead'
  }
  return `the file is DER: convert it to PEM (openssl x509 -in ${path} -out server.pem, openssl pkey -in ${path} -out server.key)`
}

function asDer(text: string): Der | null {
  try {
    const der = readDer(Buffer.from(text, 'latin1'))
    return der.tag === TAG.sequence && der.children.length > 1 ? der : null
  } catch {
    return null
  }
}

function parseKey(set: TlsFileSet): KeyObject {
  const file = set.serverKey
  if (file.text.trim() === '') throw refuse(set, file, 'the file is empty', 'write the private key again')
  const { blocks, unfinished } = pemBlocks(file.text)
  if (unfinished) throw refuse(set, file, 'a PEM block has no end', 'the file is half-written; write it again')
  // An `EC PARAMETERS` block before the key is skipped, as Go does.
  const block = blocks.find(isPrivateKey)
  if (!block) {
    const text = blocks.some(isCertificate)
      ? 'tls: found a certificate rather than a key in the PEM for the private key'
      : 'tls: failed to find any PEM data in key input'
    const hint = `${file.key} must name the private key, ${set.serverPem.key} the certificate`
    throw refuse(set, file, text, notPem(file) ?? hint)
  }
  if (isEncrypted(block)) {
    throw refuse(
      set,
      file,
      'tls: failed to parse private key: it is encrypted with a passphrase',
      `set redkite.tls.passphraseFile or redkite.tls.passphraseCommand, or decrypt it: openssl pkey -in ${file.path} -out server.key`,
    )
  }
  try {
    return createPrivateKey(block.text)
  } catch {
    throw refuse(set, file, 'tls: failed to parse private key', 'give a PEM key in PKCS#8, PKCS#1 or SEC1 form')
  }
}

function checkPair(set: TlsFileSet, chain: readonly X509Certificate[], key: KeyObject): void {
  const leaf = chain[0]
  if (!leaf) return
  if (!leaf.checkPrivateKey(key)) {
    const type = leaf.publicKey.asymmetricKeyType
    const other = chain.findIndex((certificate) => certificate.checkPrivateKey(key))
    const text =
      type === key.asymmetricKeyType
        ? 'tls: private key does not match public key'
        : `tls: private key type does not match public key type (key ${key.asymmetricKeyType}, certificate ${type})`
    const hint =
      other > 0 ? `certificate ${other + 1} of the file matches: ${LEAF_FIRST}` : 'give key and certificate of one pair'
    throw refuse(set, set.serverKey, `${text} of ${set.serverPem.path}`, hint)
  }
  for (const certificate of chain) {
    const weak = weakness(certificate)
    // OpenSSL looks at the key of the leaf and at every signature that is sent; a weak one fails each handshake.
    if (weak && certificate === leaf)
      throw refuse(set, set.serverPem, weak, 'use RSA of 2048 bits or more, P-256 or Ed25519')
  }
}

function parseAnchors(file: TlsFile): { anchors: X509Certificate[]; damaged: number } {
  const anchors: X509Certificate[] = []
  const { blocks, unfinished } = pemBlocks(file.text)
  let damaged = unfinished ? 1 : 0
  for (const block of blocks.filter(isCertificate)) {
    try {
      anchors.push(readCertificate(block.text))
    } catch {
      damaged += 1
    }
  }
  if (anchors.length === 0) {
    throw new MaterialFault(
      EXIT.config,
      `fail to append ca to cert: ${file.key}: ${file.path}: no certificate in the file`,
      `${file.key} must name the CA certificate(s) that sign your clients, in PEM`,
    )
  }
  return { anchors, damaged }
}

function ownWarnings(file: TlsFile, leaf: X509Certificate, now: Date): string[] {
  const warnings: string[] = []
  const where = `${file.key}: ${file.path}`
  if (leaf.validToDate < now) {
    warnings.push(`${where}: the certificate expired ${leaf.validTo}; clients will refuse it; run redkite certs renew`)
  } else if (leaf.validFromDate > now) {
    warnings.push(`${where}: the certificate is not valid before ${leaf.validFrom}; check the clock`)
  }
  if (!leaf.subjectAltName) {
    warnings.push(`${where}: the certificate has no subject alternative name; clients look for the server's name there`)
  }
  const usages = leaf.keyUsage
  if (usages && usages.length > 0 && !usages.includes(SERVER_AUTH)) {
    warnings.push(`${where}: the certificate's extended key usage lacks serverAuth; clients will refuse it`)
  }
  return warnings
}

/** A distinguished name on one line: Node prints one attribute a line. Control characters are escaped by Node. */
export function oneLine(name: string): string {
  return name.split('\n').join(', ')
}
