/** One `-----BEGIN x-----` block, with its armour, as it stands in the file. */
export interface PemBlock {
  readonly label: string
  readonly text: string
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

/**
 * The PEM blocks of a text, in order (RFC 7468; text between blocks is allowed). `unfinished` tells that a BEGIN has no
 * END: the file is being written, or was cut.
 */
export function pemBlocks(text: string): { readonly blocks: readonly PemBlock[]; readonly unfinished: boolean } {
  const blocks: PemBlock[] = []
  for (const match of text.matchAll(BLOCK)) blocks.push({ label: match[1] ?? '', text: match[0] })
  const begins = text.match(/-----BEGIN /g)?.length ?? 0
  return { blocks, unfinished: begins !== blocks.length }
}

export function isCertificate(block: PemBlock): boolean {
  return block.label === 'CERTIFICATE' || block.label === 'X509 CERTIFICATE' || block.label === 'TRUSTED CERTIFICATE'
}

export function isPrivateKey(block: PemBlock): boolean {
  return block.label === 'PRIVATE KEY' || block.label.endsWith(' PRIVATE KEY')
}

/** PKCS#8 says so in the label, the older forms in an RFC 1421 header. */
export function isEncrypted(block: PemBlock): boolean {
  return block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4, *ENCRYPTED/m.test(block.text)
}
