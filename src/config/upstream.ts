import { isIP } from 'node:net'
import type { Secret } from '../model/calls.ts'
import type { Key, Values } from './schema.ts'

/** TLS files of a link to another server, all absolute. */
export interface LinkTls {
  readonly caPem: string
  /** The pair that is shown; null = none. */
  readonly client: { readonly pem: string; readonly key: string } | null
  /** The keys that the paths came from, for messages. */
  readonly keys: { readonly caPem: Key; readonly clientPem: Key; readonly clientKey: Key }
}

/** What upstream sees of a caller. */
export type UpstreamCredentials =
  | { readonly kind: 'passed' }
  | { readonly kind: 'checked' }
  | { readonly kind: 'mapped'; readonly user: string; readonly password: Secret }

/** The server behind this one. */
export interface UpstreamConfig {
  /** As it is shown: scheme, host and port. */
  readonly uri: string
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** Null means plaintext. */
  readonly tls: LinkTls | null
  /** The name that the certificate must carry, and that is asked for. */
  readonly serverName: string
  readonly credentials: UpstreamCredentials
  readonly connections: number
  readonly connectTimeoutMs: number
  readonly keepaliveMs: number
}

/** Adds an error about a key, located where the value of `cause` was given. */
type Complain = (key: Key, cause: Key, message: string, hint: string) => void

const MILVUS_PORT = 19530
const URI = 'redkite.upstream.uri'

/** The link of a proxy; null where this server answers itself. Contradictions are complained of. */
export function upstreamOf(
  values: Values,
  absolute: (path: string) => string,
  complain: Complain,
): UpstreamConfig | null {
  const target = targetOf(values, complain)
  if (target === null) return null
  const isInternal = values['common.security.internaltlsEnabled']
  if (isInternal && !target.secure) {
    const message = `common.security.internaltlsEnabled is on, and ${URI} ${target.uri} is plaintext`
    complain(URI, URI, message, 'write https://, or switch common.security.internaltlsEnabled off')
  }
  const sni = values['redkite.upstream.sni'] || (isInternal ? values['internaltls.sni'] : '')
  return {
    uri: target.uri,
    host: target.host,
    port: target.port,
    tls: target.secure ? linkTls(values, isInternal, absolute, complain) : null,
    serverName: sni || target.host,
    credentials: credentialsOf(values, complain),
    connections: values['redkite.upstream.connections'],
    connectTimeoutMs: values['redkite.upstream.connectTimeoutMs'],
    keepaliveMs: values['redkite.upstream.keepaliveMs'],
  }
}

function targetOf(values: Values, complain: Complain) {
  const given = values[URI].trim()
  if (given === '') return null
  const url = URL.parse(given)
  const isPlainTarget =
    url !== null && url.pathname.length <= 1 && url.search === '' && url.hash === '' && url.username === ''
  if (
    url === null ||
    !isPlainTarget ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.hostname === ''
  ) {
    // a password may stand in it
    const shown = given.includes('@') ? 'the value' : JSON.stringify(given)
    complain(URI, URI, `${URI} must be http://host:port or https://host:port, ${shown} is not`, 'correct the value')
    return null
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // URL drops a scheme's own port
  const ownPort = /:\d+\/?$/.test(given) ? (url.protocol === 'https:' ? 443 : 80) : MILVUS_PORT
  const port = url.port === '' ? ownPort : Number(url.port)
  const shownHost = isIP(host) === 6 ? `[${host}]` : host
  return { uri: `${url.protocol}//${shownHost}:${port}`, host, port, secure: url.protocol === 'https:' }
}

function linkTls(values: Values, isInternal: boolean, absolute: (path: string) => string, complain: Complain): LinkTls {
  const pick = <A extends Key, B extends Key>(own: A, shared: B): A | B =>
    values[own] === '' && isInternal && values[shared] !== '' ? shared : own
  const caPem = pick('redkite.upstream.caPemPath', 'internaltls.caPemPath')
  const ownPair = values['redkite.upstream.clientPemPath'] !== '' || values['redkite.upstream.clientKeyPath'] !== ''
  const [clientPem, clientKey] =
    isInternal && !ownPair
      ? (['internaltls.serverPemPath', 'internaltls.serverKeyPath'] as const)
      : (['redkite.upstream.clientPemPath', 'redkite.upstream.clientKeyPath'] as const)
  const file = (key: typeof caPem | typeof clientPem | typeof clientKey) =>
    values[key] === '' ? '' : absolute(values[key])
  if (values[caPem] === '') {
    const hint = 'name the CA that issued the certificate of the upstream, in PEM'
    complain('redkite.upstream.caPemPath', URI, `${URI} is https and redkite.upstream.caPemPath is empty`, hint)
  }
  if ((values[clientPem] === '') !== (values[clientKey] === '')) {
    const [given, missing] = values[clientPem] === '' ? [clientKey, clientPem] : [clientPem, clientKey]
    complain(missing, given, `${given} is given and ${missing} is not`, `set ${missing}, or leave both empty`)
  }
  const client = values[clientPem] === '' ? null : { pem: file(clientPem), key: file(clientKey) }
  return { caPem: file(caPem), client, keys: { caPem, clientPem, clientKey } }
}

function credentialsOf(values: Values, complain: Complain): UpstreamCredentials {
  const key = 'redkite.upstream.credentials'
  const kind = values[key]
  if (kind === 'passed') return { kind }
  if (!values['common.security.authorizationEnabled']) {
    const message = `${key} is ${kind}, and common.security.authorizationEnabled is off: nobody would be checked`
    complain(key, key, message, `set common.security.authorizationEnabled to true, or ${key} to passed`)
  }
  if (kind === 'checked') return { kind }
  const user = values['redkite.upstream.user']
  const password = values['redkite.upstream.password']
  if (user === '' || user.includes(':')) {
    const message = `${key} is mapped and redkite.upstream.user is ${user === '' ? 'empty' : 'no user name'}`
    complain('redkite.upstream.user', key, message, 'name the user that upstream shall see')
  }
  if (password.reveal() === '') {
    const hint = 'set it, or REDKITE_UPSTREAM_PASSWORD_FILE to a file that holds it'
    complain('redkite.upstream.password', key, `${key} is mapped and redkite.upstream.password is empty`, hint)
  }
  return { kind, user, password }
}
