import { existsSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { TlsMode } from '../config/config.ts'
import type { TlsMaterial } from '../tls/material.ts'
import type { ReadyTls } from './ready-lines.ts'

/**
 * Which files and which name the clients of a running server need, found beside its own: the CA as `ca.pem` or
 * `ca.crt` next to the certificate (one-way), the client pair next to the CA (mutual).
 */
export function readyTls(mode: TlsMode, material: TlsMaterial | null): ReadyTls {
  if (mode.kind === 'plain' || material === null) return { kind: 'plain' }
  const serverName = dialledName(material)
  if (mode.kind === 'oneWay') {
    const folder = dirname(mode.serverPem)
    const beside = [join(folder, 'ca.pem'), join(folder, 'ca.crt')].find((path) => existsSync(path))
    return { kind: 'oneWay', serverPem: mode.serverPem, ca: beside ?? mode.serverPem, serverName }
  }
  const folder = dirname(mode.caPem)
  const [clientPem, clientKey] = [join(folder, 'client.pem'), join(folder, 'client.key')]
  return { kind: 'mutual', ca: mode.caPem, clientPem, clientKey, serverName }
}

/** How to get the client pair that the ready lines name, where it is not there; null = it is. */
export function missingClientPair(tls: ReadyTls): string | null {
  if (tls.kind !== 'mutual' || (existsSync(tls.clientPem) && existsSync(tls.clientKey))) return null
  const folder = shownPath(dirname(tls.clientPem))
  return existsSync(join(dirname(tls.ca), 'ca.key'))
    ? `client.pem and client.key are not in ${folder} yet: redkite certs renew --client --dir ${folder} makes them`
    : `client.pem and client.key are not in ${folder}: put in a pair that a CA of ${shownPath(tls.ca)} issued`
}

/** `localhost` where the certificate names it, else the first name that it carries: clients verify it. */
function dialledName(material: TlsMaterial): string {
  const { leaf } = material.current
  if (leaf.checkHost('localhost') !== undefined) return 'localhost'
  const names = [...(leaf.subjectAltName ?? '').matchAll(/DNS:([^,\s*"]+)/g)]
  return names[0]?.[1] ?? 'localhost'
}

/** A path for people: relative to the working directory where it lies below it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || short === path ? path : `.${sep}${short}`
}
