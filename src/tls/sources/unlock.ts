import { createPrivateKey, type X509Certificate } from 'node:crypto'
import { EXIT } from '../../errors/start-error.ts'
import type { Secret } from '../../model/calls.ts'
import { MaterialFault } from '../fault.ts'
import { context, type RawFiles, type TlsFile, type TlsFileSet } from '../files.ts'
import { isEncrypted, isPrivateKey, pemBlocks } from '../pem.ts'
import { ownKey, type TlsFileRole } from '../settings.ts'
import { type Der, DerError, integer, readDer } from './der.ts'
import type { Located } from './locate.ts'
import { runPassphraseCommand } from './passphrase.ts'
import { BundleError, ITERATIONS_MAX, openBundle } from './pkcs12.ts'

/**
 * Turns the files of any source into PEM texts with a plain key. The passphrase is asked for only where something is
 * encrypted, each time anew, and forgotten. An encrypted key for which none is configured is left as it is: the check
 * refuses it in Milvus' words.
 * @throws MaterialFault
 */
export async function unlock(raw: RawFiles, settings: Located): Promise<TlsFileSet> {
  const { files, ...rest } = raw
  const caPem = files.find((file) => file.role === 'caPem') ?? null
  const [serverPem, serverKey] = files
  if (serverPem === undefined) throw new Error('a source has at least one file')
  if (settings.source?.kind === 'pkcs12') return { ...rest, ...(await fromBundle(raw, serverPem, caPem, settings)) }
  if (serverKey === undefined) throw new Error('a source has a key file')
  return { ...rest, serverPem, serverKey: await plainKey(raw, serverKey, settings), caPem }
}

/** The passphrase under which the key file is encrypted now; null = it is not. @throws MaterialFault */
export async function keyPassphrase(raw: RawFiles, settings: Located): Promise<Secret | null> {
  const file = raw.files.find(({ role }) => role === 'serverKey')
  const block = file && pemBlocks(file.text).blocks.find(isPrivateKey)
  return block !== undefined && isEncrypted(block) ? passphraseFor(raw, settings) : null
}

/** The passphrase that was read with the files, or that the command gives now. */
export async function passphraseFor(
  raw: Pick<RawFiles, 'passphrase'>,
  { passphrase, section = 'tls' }: Pick<Located, 'passphrase' | 'section'>,
): Promise<Secret | null> {
  if (passphrase?.kind === 'command') return runPassphraseCommand(passphrase.command, section)
  return raw.passphrase?.passphrase ?? null
}

/** How a message names where the passphrase came from. */
export function origin(raw: Pick<RawFiles, 'passphrase'>, { section = 'tls' }: Pick<Located, 'section'>): string {
  return raw.passphrase === null
    ? ownKey(section, 'passphraseCommand')
    : `${raw.passphrase.key} (${raw.passphrase.path})`
}

async function plainKey(raw: RawFiles, file: TlsFile, settings: Located): Promise<TlsFile> {
  const { blocks, unfinished } = pemBlocks(file.text)
  const block = blocks.find(isPrivateKey)
  if (unfinished || block === undefined || !isEncrypted(block)) return file
  const passphrase = await passphraseFor(raw, settings)
  if (passphrase === null) return file
  return { ...file, text: decryptKey(block.text, passphrase, file.path, origin(raw, settings), refusal(raw, file)) }
}

/** Object identifiers of AES (2.16.840.1.101.3.4.1) and of des-ede3-cbc (1.2.840.113549.3.7) in DER. */
const CURRENT_CIPHERS = [Buffer.from('6086480165030401', 'hex'), Buffer.from('2a864886f70d0307', 'hex')]

/** Whether OpenSSL's default provider knows the cipher of an encrypted key. */
function isCurrentCipher(block: string): boolean {
  if (/^DEK-Info: *(AES|DES-EDE3)/im.test(block)) return true
  const der = Buffer.from(block.replace(/-----[^-]+-----/g, '').replace(/\s/g, ''), 'base64')
  return CURRENT_CIPHERS.some((identifier) => der.includes(identifier))
}

/**
 * Decrypts one PEM block of a private key to PKCS#8 PEM.
 * @param source what gave the passphrase, for messages
 * @throws what `refuse` makes of the cause and the remedy
 */
export function decryptKey(
  block: string,
  passphrase: Secret,
  path: string,
  source: string,
  refuse: (text: string, hint: string) => Error,
): string {
  const failed = 'tls: failed to parse private key'
  const again = `encrypt it again: openssl pkcs8 -topk8 -v2 aes-256-cbc`
  if (iterations(block) > ITERATIONS_MAX) {
    const text = `${failed}: its passphrase is to be hashed more than ${ITERATIONS_MAX} times`
    throw refuse(text, `${again} -in ${path} -out server.key`)
  }
  try {
    const key = createPrivateKey({ key: block, passphrase: passphrase.reveal() })
    return key.export({ type: 'pkcs8', format: 'pem' }).toString()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    // a wrong passphrase may decrypt to bytes that look like a key of an unknown kind: the same code
    if (/UNSUPPORTED/.test(code) && !isCurrentCipher(block)) {
      const hint = `${again} -provider legacy -provider default -in ${path} -out server.key`
      throw refuse(`${failed}: it is encrypted by an outdated algorithm`, hint)
    }
    const text = /BAD_DECRYPT|BAD_PASSWORD|UNSUPPORTED/.test(code)
      ? `the passphrase of ${source} is wrong`
      : `it does not decrypt with the passphrase of ${source}`
    throw refuse(`${failed}: ${text}`, `try it: openssl pkey -in ${path} -noout asks for the passphrase`)
  }
}

function refusal(raw: RawFiles, file: TlsFile) {
  return (text: string, hint: string) =>
    new MaterialFault(EXIT.config, `${context(raw.kind, file.role)}: ${file.key}: ${file.path}: ${text}`, hint)
}

async function fromBundle(
  raw: RawFiles,
  file: TlsFile,
  ownCa: TlsFile | null,
  settings: Located,
): Promise<Pick<TlsFileSet, 'serverPem' | 'serverKey' | 'caPem'>> {
  const refuse = refusal(raw, file)
  const passphrase = await passphraseFor(raw, settings)
  try {
    const { key, certificates } = await openBundle(Buffer.from(file.text, 'latin1'), passphrase?.reveal() ?? '')
    const as = (role: TlsFileRole, text: string): TlsFile => ({ ...file, role, text })
    const chain = linked(certificates)
    const roots = certificates.filter((certificate) => certificate.checkIssued(certificate))
    if (raw.kind === 'mutual' && ownCa === null && roots.length === 0) {
      throw refuse(
        'the bundle holds no root certificate that client certificates could lead to',
        'set tls.caPemPath to the CA of your clients, or export the bundle with it: openssl pkcs12 -export -certfile ca.pem …',
      )
    }
    return {
      serverPem: as('serverPem', pem(chain)),
      serverKey: as('serverKey', key.export({ type: 'pkcs8', format: 'pem' }).toString()),
      caPem: raw.kind === 'mutual' ? (ownCa ?? as('caPem', pem(roots))) : null,
    }
  } catch (error) {
    if (!(error instanceof BundleError)) throw error
    const text =
      error.kind === 'passphrase'
        ? passphrase === null
          ? 'the bundle is encrypted with a passphrase'
          : `the passphrase of ${origin(raw, settings)} is wrong`
        : error.message
    throw refuse(text, bundleRemedy(error, file.path, passphrase !== null, settings.section ?? 'tls'))
  }
}

function bundleRemedy({ kind }: BundleError, path: string, hasPassphrase: boolean, section: string): string {
  switch (kind) {
    case 'passphrase':
      return hasPassphrase
        ? `try it: openssl pkcs12 -in ${path} -noout asks for the passphrase`
        : `set ${ownKey(section, 'passphraseFile')} or ${ownKey(section, 'passphraseCommand')}`
    case 'legacy':
      return `convert it: openssl pkcs12 -legacy -in ${path} -nodes -out all.pem && openssl pkcs12 -export -in all.pem -out server.p12 && rm all.pem`
    case 'incomplete':
      return 'export the pair again: openssl pkcs12 -export -inkey server.key -in server.pem -certfile ca.pem -out server.p12'
    case 'damaged':
      return `give a PKCS#12 file (.p12, .pfx); see it with: openssl pkcs12 -in ${path} -info -noout`
  }
}

/** The leaf and its issuers, as far as they are there, each followed by its own: the order in which TLS sends them. */
function linked(certificates: readonly [X509Certificate, ...X509Certificate[]]): readonly X509Certificate[] {
  const [leaf, ...rest] = certificates
  const chain = [leaf]
  for (let last = leaf; ; ) {
    const issuer = rest.find((certificate) => !chain.includes(certificate) && last.checkIssued(certificate))
    if (issuer === undefined) return chain
    chain.push(issuer)
    last = issuer
  }
}

function pem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('')
}

/** How often an encrypted PKCS#8 key hashes its passphrase (PBES2 with PBKDF2); 0 where it is of another form. */
function iterations(block: string): number {
  try {
    const der = readDer(Buffer.from(block.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'))
    const parameters: Der | undefined = der.children[0]?.children[1]?.children[0]?.children[1]
    const count = parameters?.children[1]
    return count === undefined ? 0 : integer(count)
  } catch (error) {
    if (error instanceof DerError) return 0
    throw error
  }
}
