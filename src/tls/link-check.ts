import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { EXIT } from '../errors/start-error.ts'
import { CLIENT_AUTH } from '../pki/purposes.ts'
import { oneLine } from './check.ts'
import { MaterialFault } from './fault.ts'
import { octal } from './files.ts'
import type { LinkFile, LinkFileSet } from './link-files.ts'
import { isCertificate, isEncrypted, isPrivateKey, pemBlocks } from './pem.ts'
import { otherReaders } from './permissions.ts'
import { weakness } from './strength.ts'

/** Client-side material after parsing. */
export interface CheckedLink {
  readonly anchors: readonly X509Certificate[]
  /** Leaf first; null where no certificate is shown. */
  readonly client: { readonly chain: readonly X509Certificate[]; readonly keyPem: string } | null
  readonly warnings: readonly string[]
}

const REMAKE = 'a correct set comes from: redkite certs create'

/** Parses the files of a link and checks that the pair matches. Throws `MaterialFault`. */
export function checkLink(set: LinkFileSet, now: Date, strictKeyPermissions: boolean): CheckedLink {
  const warnings: string[] = []
  const anchors = certificatesOf(set.caPem)
  for (const anchor of anchors) {
    if (anchor.validToDate < now)
      warnings.push(`${where(set.caPem)}: ${oneLine(anchor.subject)} expired ${anchor.validTo}`)
  }
  if (!set.client) return { anchors, client: null, warnings }
  const { pem, key } = set.client
  const chain = certificatesOf(pem)
  const privateKey = keyOf(key)
  const [leaf] = chain
  if (!leaf?.checkPrivateKey(privateKey)) {
    throw refuse(key, `tls: private key does not match the certificate of ${pem.path}`, 'give both of one pair')
  }
  const weak = weakness(leaf)
  if (weak) throw refuse(pem, weak, 'use RSA of 2048 bits or more, P-256 or Ed25519')
  if (leaf.validToDate < now) warnings.push(`${where(pem)}: expired ${leaf.validTo}: the other side will refuse it`)
  const usages = leaf.keyUsage ?? []
  if (usages.length > 0 && !usages.includes(CLIENT_AUTH)) {
    warnings.push(`${where(pem)}: its extended key usage lacks clientAuth: the other side will refuse it`)
  }
  warnings.push(...permissionWarnings(key, strictKeyPermissions))
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { anchors, client: { chain, keyPem }, warnings }
}

function where(file: LinkFile): string {
  return `${file.key}: ${file.path}`
}

function refuse(file: LinkFile, text: string, hint: string): MaterialFault {
  return new MaterialFault(EXIT.config, `${where(file)}: ${text}`, `${hint}; ${REMAKE}`)
}

function certificatesOf(file: LinkFile): readonly X509Certificate[] {
  const { blocks, unfinished } = pemBlocks(file.text)
  if (unfinished) throw refuse(file, 'a PEM block has no end', 'the file is half-written; write it again')
  const certificates = blocks.filter(isCertificate)
  if (certificates.length === 0) throw refuse(file, 'no certificate in the file', `${file.key} must name one, in PEM`)
  return certificates.map((block, index) => {
    try {
      return new X509Certificate(block.text)
    } catch {
      throw refuse(file, `certificate ${index + 1} of the file does not parse`, 'write the file again')
    }
  })
}

function keyOf(file: LinkFile): KeyObject {
  const block = pemBlocks(file.text).blocks.find(isPrivateKey)
  if (!block) throw refuse(file, 'no private key in the file', `${file.key} must name the key, in PEM`)
  if (isEncrypted(block)) {
    throw refuse(
      file,
      'the private key is encrypted with a passphrase',
      `set redkite.internaltls.passphraseFile or redkite.internaltls.passphraseCommand, or decrypt it: openssl pkey -in ${file.path}`,
    )
  }
  try {
    return createPrivateKey(block.text)
  } catch {
    throw refuse(file, 'the private key does not parse', 'give a PEM key in PKCS#8, PKCS#1 or SEC1 form')
  }
}

function permissionWarnings(file: LinkFile, strict: boolean): readonly string[] {
  const who = otherReaders(file)
  if (who === null) return []
  const text = `the key can be read by ${who} (mode ${octal(file.mode)})`
  if (strict) {
    const hint = `chmod 600 ${file.path}, or leave redkite.tls.strictKeyPermissions out to be warned only`
    throw new MaterialFault(EXIT.config, `${where(file)}: ${text}`, hint)
  }
  return [`${where(file)}: ${text}; chmod 600 it`]
}
