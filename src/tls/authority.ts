import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { access } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Generation } from './generation.ts'
import { isIssuedBy } from './issued-by.ts'
import { isCertificate, isEncrypted, isPrivateKey, pemBlocks } from './pem.ts'
import { otherReaders } from './permissions.ts'
import { readSmallFile } from './read-file.ts'
import { ownKey, type TlsSettings } from './settings.ts'

/** Whether the server certificate can be renewed from here. */
export type RenewalMeans =
  | {
      readonly kind: 'authority'
      readonly certificate: X509Certificate
      readonly key: KeyObject
      /** Where its key is kept. */
      readonly directory: string
      /** Something to look at, or null. */
      readonly warning: string | null
    }
  | { readonly kind: 'none'; readonly why: string; readonly remedy: string }

/** Looks for the key of the authority that issued the leaf, and for its certificate. Never throws. */
export async function renewalMeans(settings: TlsSettings, generation: Generation): Promise<RenewalMeans> {
  const { section = 'tls', source = { kind: 'files' }, caKeyPath } = settings
  const none = (why: string, remedy = byHand(settings)): RenewalMeans => ({ kind: 'none', why, remedy })
  if (section !== 'tls') return none(`${section} is not renewed here`)
  if (settings.autoRenew === false) return none(`${ownKey(section, 'autoRenew')} is false`)
  if (source.kind === 'pkcs12') return none('a PKCS#12 bundle is not written here')
  if (!caKeyPath) return none('the key of its certificate authority is not at hand')
  if (source.kind === 'directory' && (await exists(join(source.path, '..data')))) {
    return none(`${source.path} is a mounted volume`, 'renew it where the volume comes from; it is loaded from there')
  }
  const path = resolve(caKeyPath)
  try {
    const file = await readSmallFile(path)
    const block = pemBlocks(file.bytes.toString('latin1')).blocks.find(isPrivateKey)
    if (block === undefined) return none(`${path} holds no private key`)
    if (isEncrypted(block)) return none(`${path} is encrypted with a passphrase`)
    const key = createPrivateKey(block.text)
    const certificate = await authorityOf(generation, path, key)
    if (certificate === null) return none(`${path} is not the key of the authority that issued the server certificate`)
    const readers = otherReaders(file)
    if (readers !== null && settings.strictKeyPermissions) {
      return none(`${path} can be read by ${readers}`, `chmod 600 ${path}`)
    }
    const warning = readers === null ? null : `${path} can be read by ${readers}; chmod 600 it`
    return { kind: 'authority', certificate, key, directory: dirname(path), warning }
  } catch (error) {
    return none(error instanceof Error ? error.message : String(error))
  }
}

/** Among what the server knows, and the files that lie beside the key under the usual names. */
async function authorityOf(generation: Generation, keyPath: string, key: KeyObject): Promise<X509Certificate | null> {
  const { leaf } = generation
  const stem = keyPath.replace(/\.(key|pem)$/, '')
  const beside = [join(dirname(keyPath), 'ca.pem'), join(dirname(keyPath), 'ca.crt'), `${stem}.pem`, `${stem}.crt`]
  const read = await Promise.all([...new Set(beside)].filter((path) => path !== keyPath).map(certificatesIn))
  const candidates = [...generation.chain.slice(1), ...generation.anchors, ...read.flat()]
  return candidates.find((ca) => ca.ca && ca.checkPrivateKey(key) && isIssuedBy(leaf, ca)) ?? null
}

async function certificatesIn(path: string): Promise<readonly X509Certificate[]> {
  try {
    const { bytes } = await readSmallFile(path)
    const blocks = pemBlocks(bytes.toString('latin1')).blocks.filter(isCertificate)
    return blocks.map((block) => new X509Certificate(block.text))
  } catch {
    return []
  }
}

/** The command, or the step, that renews the server certificate by hand. */
export function byHand({ files, source = { kind: 'files' }, section = 'tls' }: TlsSettings): string {
  if (source.kind === 'pkcs12') {
    return `export a new bundle to ${source.path}: openssl pkcs12 -export -inkey server.key -in server.pem -certfile ca.pem`
  }
  const directory = dirname(resolve(files.serverPem))
  const key = section === 'tls' ? `; or name the CA key by ${ownKey(section, 'caKeyPath')}` : ''
  return `where the CA key is kept: redkite certs renew --dir ${directory}; elsewhere put the new pair in place, it is loaded while the server runs${key}`
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
