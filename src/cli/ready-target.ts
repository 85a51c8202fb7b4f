import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, join, relative, sep } from 'node:path'
import type { TlsMode } from '../config/config.ts'
import type { TlsMaterial } from '../tls/material.ts'
import type { ReadyTls } from './ready-lines.ts'

/** Whether an address that is listened on stands for all interfaces (null does). */
export function isEverywhere(listenHost: string | null): listenHost is null | '::' | '0.0.0.0' {
  return listenHost === null || listenHost === '::' || listenHost === '0.0.0.0'
}

/** The name that clients on this machine dial: `localhost` where that leads to the address that is listened on. */
export function dialledHost(listenHost: string | null): string {
  return isEverywhere(listenHost) || listenHost === '127.0.0.1' || listenHost === '::1' ? 'localhost' : listenHost
}

/**
 * Which files and which name the clients of a running server need, found beside its own: the CA as `ca.pem` or
 * `ca.crt` next to the certificate (one-way), the client pair next to the CA (mutual).
 */
export function readyTls(mode: TlsMode, material: TlsMaterial | null, host: string): ReadyTls {
  if (mode.kind === 'plain' || material === null) return { kind: 'plain' }
  const serverName = verifiedName(material, host)
  if (mode.kind === 'oneWay') {
    return { kind: 'oneWay', serverPem: mode.serverPem, ca: caBeside(mode.serverPem) ?? mode.serverPem, serverName }
  }
  const folder = dirname(mode.caPem)
  const [clientPem, clientKey] = [join(folder, 'client.pem'), join(folder, 'client.key')]
  // clients cannot read the CA out of a PKCS#12 bundle
  const ca = mode.caPem === mode.serverPem ? (caBeside(mode.caPem) ?? join(folder, 'ca.pem')) : mode.caPem
  return { kind: 'mutual', ca, clientPem, clientKey, serverName }
}

function caBeside(path: string): string | null {
  const folder = dirname(path)
  return [join(folder, 'ca.pem'), join(folder, 'ca.crt')].find((ca) => existsSync(ca)) ?? null
}

/** How to get the client pair that the ready lines name, where it is not there; null = it is. */
export function missingClientPair(tls: ReadyTls): string | null {
  if (tls.kind !== 'mutual' || (existsSync(tls.clientPem) && existsSync(tls.clientKey))) return null
  const folder = shownPath(dirname(tls.clientPem))
  return existsSync(join(dirname(tls.ca), 'ca.key'))
    ? `client.pem and client.key are not in ${folder} yet: redkite certs renew --client --dir ${folder} makes them`
    : `client.pem and client.key are not in ${folder}: put in a pair that a CA of ${shownPath(tls.ca)} issued`
}

/** The name that clients verify: what they dial where the certificate names it, else `localhost`, else its first name. */
function verifiedName(material: TlsMaterial, host: string): string {
  const { leaf } = material.current
  const isNamed = (name: string) => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined
  const [first] = [...(leaf.subjectAltName ?? '').matchAll(/DNS:([^,\s*"]+)/g)].map((match) => match[1])
  return [host, 'localhost'].find(isNamed) ?? first ?? 'localhost'
}

/** A path for people: relative to the working directory where it lies below it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || short === path ? path : `.${sep}${short}`
}
