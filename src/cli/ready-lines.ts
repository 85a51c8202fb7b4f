/** How the server is reached, and with which files. Paths should be absolute, so that the lines work from anywhere. */
export interface ReadyTarget {
  /** Host that clients dial: a name or an address (IPv6 without brackets). */
  readonly host: string
  /** gRPC port. */
  readonly port: number
  /** REST port; the gRPC port when REST is served there too. */
  readonly restPort: number
  readonly tls: ReadyTls
  /** Whether a user and a password are asked for. The password itself is never printed: a placeholder stands for it. */
  readonly authentication: boolean
}

/** The files of a client. In one-way mode `serverPem` may be any file with a trust anchor: `server.pem` or `ca.pem`. */
export type ReadyTls =
  | { readonly kind: 'plain' }
  | { readonly kind: 'oneWay'; readonly serverPem: string; readonly ca: string; readonly serverName: string }
  | {
      readonly kind: 'mutual'
      readonly ca: string
      readonly clientPem: string
      readonly clientKey: string
      readonly serverName: string
    }

/** A piece of code to paste: `title` says into what. */
export interface ReadyLines {
  readonly title: string
  readonly code: string
}

/** The placeholder for the password in printed code. */
const LOGIN = 'root:YOUR-PASSWORD'

/**
 * Lines for pymilvus, the Node SDK and curl that connect to a server when pasted, by the parameters that those clients
 * really read: pymilvus ignores `ca_pem_path` in one-way mode and takes `server_pem_path` as its trust anchor there.
 */
export function readyLines(target: ReadyTarget): readonly ReadyLines[] {
  return [
    { title: 'Python (pymilvus)', code: pythonLines(target) },
    { title: 'Node (@zilliz/milvus2-sdk-node)', code: nodeLines(target) },
    { title: 'curl (REST)', code: curlLine(target) },
  ]
}

/** Ready lines as text: each title on a line of its own, its code indented by two spaces, and an empty line between. */
export function formatReadyLines(lines: readonly ReadyLines[]): string {
  return lines.map(({ title, code }) => `${title}:\n${code.replace(/^/gm, '  ')}\n`).join('\n')
}

/** `https://host:port`, or `http` without TLS; IPv6 in brackets. */
export function readyUri(target: Pick<ReadyTarget, 'host' | 'tls'>, port: number): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  return `${target.tls.kind === 'plain' ? 'http' : 'https'}://${host}:${port}`
}

function pythonLines(target: ReadyTarget): string {
  const { tls } = target
  const parameters = [`uri=${quoted(readyUri(target, target.port))}`]
  if (target.authentication) parameters.push(`token=${quoted(LOGIN)}`)
  switch (tls.kind) {
    case 'plain':
      break
    case 'oneWay':
      parameters.push('secure=True', `server_pem_path=${quoted(tls.serverPem)}`)
      parameters.push(`server_name=${quoted(tls.serverName)}`)
      break
    case 'mutual':
      parameters.push('secure=True', `client_pem_path=${quoted(tls.clientPem)}`)
      parameters.push(`client_key_path=${quoted(tls.clientKey)}`, `ca_pem_path=${quoted(tls.ca)}`)
      parameters.push(`server_name=${quoted(tls.serverName)}`)
      break
  }
  return `from pymilvus import MilvusClient\nclient = MilvusClient(${parameters.join(', ')})`
}

function nodeLines(target: ReadyTarget): string {
  const { tls } = target
  const options = [`address: ${quoted(readyUri(target, target.port))}`]
  if (target.authentication) options.push(`token: ${quoted(LOGIN)}`)
  if (tls.kind !== 'plain') {
    const files = [`rootCertPath: ${quoted(tls.ca)}`]
    if (tls.kind === 'mutual') {
      files.push(`privateKeyPath: ${quoted(tls.clientKey)}`, `certChainPath: ${quoted(tls.clientPem)}`)
    }
    if (tls.serverName !== target.host) files.push(`serverName: ${quoted(tls.serverName)}`)
    options.push(`tls: { ${files.join(', ')} }`)
  }
  const import_ = "import { MilvusClient } from '@zilliz/milvus2-sdk-node'"
  return `${import_}\nconst client = new MilvusClient({ ${options.join(', ')} })`
}

function curlLine(target: ReadyTarget): string {
  const { tls } = target
  const words = ['curl']
  if (tls.kind !== 'plain') words.push('--cacert', shellWord(tls.ca))
  if (tls.kind === 'mutual') words.push('--cert', shellWord(tls.clientPem), '--key', shellWord(tls.clientKey))
  // curl asks for the password then; on the command line every user of the machine could read it.
  if (target.authentication) words.push('--user', 'root')
  // The name that curl verifies is the one in the URL; where it is not the host, the connection goes to the host.
  const verified = tls.kind === 'plain' ? target.host : tls.serverName
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  if (verified !== target.host) words.push('--connect-to', shellWord(`::${host}:`))
  const url = `${readyUri({ ...target, host: verified }, target.restPort)}/v2/vectordb/collections/list`
  // -d makes it a POST with curl of any age; the server reads JSON whatever the Content-Type says.
  return [...words, '-d', '"{}"', shellWord(url)].join(' ')
}

/** A string literal for Python and for JavaScript: JSON's escapes mean the same in both. */
function quoted(text: string): string {
  return JSON.stringify(text)
}

/** A word for a POSIX shell, quoted only where needed; Windows' shells take the double quotes used there. */
function shellWord(text: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text)) return text
  if (/^[A-Za-z]:\\/.test(text)) return `"${text}"`
  return `'${text.replaceAll("'", `'\\''`)}'`
}
