/** Real clients in the few lines that a test needs. */
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import type { CertSet } from './sets.ts'
import { curl, type Ran, run, runPython } from './tools.ts'

/** What a client shows to the server. */
export type Show =
  | { readonly kind: 'plain' }
  | { readonly kind: 'oneWay'; readonly set: CertSet }
  | { readonly kind: 'mutual'; readonly set: CertSet }

export type Login = { readonly user: string; readonly password: string } | null

export const ROOT: Login = { user: 'root', password: 'Milvus' }

export function nodeClient(port: number, show: Show, login: Login = null): MilvusClient {
  const scheme = show.kind === 'plain' ? 'http' : 'https'
  return new MilvusClient({
    address: `${scheme}://localhost:${port}`,
    timeout: 10_000,
    maxRetries: 0,
    ...(login ? { username: login.user, password: login.password } : {}),
    ...(show.kind === 'plain'
      ? {}
      : {
          tls: {
            rootCertPath: show.set.ca,
            ...(show.kind === 'mutual' ? { privateKeyPath: show.set.clientKey, certChainPath: show.set.client } : {}),
          },
        }),
  })
}

/** Connects and asks for the version; the outcome in one word, or the client's error text. */
export async function nodeConnects(port: number, show: Show, login: Login = null): Promise<string> {
  const client = nodeClient(port, show, login)
  try {
    await client.connectPromise
    const { version } = await client.getVersion()
    return version ? 'ok' : 'no version'
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } finally {
    await client.closeConnection()
  }
}

/** The keyword arguments of pymilvus' MilvusClient, as the page writes them. */
export function pythonArguments(port: number, show: Show, login: Login = null): string {
  const args = [`uri="${show.kind === 'plain' ? 'http' : 'https'}://localhost:${port}"`]
  if (login) args.push(`token="${login.user}:${login.password}"`)
  if (show.kind === 'oneWay') {
    args.push('secure=True', `server_pem_path="${show.set.server}"`, 'server_name="localhost"')
  } else if (show.kind === 'mutual') {
    const { client, clientKey, ca } = show.set
    args.push('secure=True', `client_pem_path="${client}"`, `client_key_path="${clientKey}"`)
    args.push(`ca_pem_path="${ca}"`, 'server_name="localhost"')
  }
  return args.join(', ')
}

/** Runs a pymilvus program with `client` at hand. */
export function withPymilvus(port: number, show: Show, login: Login, body: string): Promise<Ran> {
  const connect = `from pymilvus import MilvusClient, DataType, MilvusException\nclient = MilvusClient(${pythonArguments(port, show, login)})\n`
  return runPython(`${connect}${body}\n`)
}

export function curlArguments(show: Show, login: Login = null): string[] {
  const args = ['-sS', '--max-time', '10']
  if (show.kind !== 'plain') args.push('--cacert', show.set.ca)
  if (show.kind === 'mutual') args.push('--cert', show.set.client, '--key', show.set.clientKey)
  if (login) args.push('-H', `Authorization: Bearer ${login.user}:${login.password}`)
  return args
}

/** `curl` against a path of the server; `data` makes it a POST. */
export function curlTo(url: string, show: Show, login: Login = null, data: string | null = null): Promise<Ran> {
  const body = data === null ? [] : ['-d', data]
  return run(curl.path, [...curlArguments(show, login), ...body, url])
}
