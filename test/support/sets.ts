/** Sets of certificates as users make them: by the built command, or by the page's script. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pageGenerate } from './page-script.ts'
import { redkite } from './server.ts'

export interface CertSet {
  readonly dir: string
  readonly ca: string
  readonly caKey: string
  readonly server: string
  readonly serverKey: string
  readonly client: string
  readonly clientKey: string
}

export function setIn(dir: string): CertSet {
  const file = (name: string) => join(dir, name)
  return {
    dir,
    ca: file('ca.pem'),
    caKey: file('ca.key'),
    server: file('server.pem'),
    serverKey: file('server.key'),
    client: file('client.pem'),
    clientKey: file('client.key'),
  }
}

/** `redkite certs create --dir dir`. */
export async function createSet(dir: string, args: readonly string[] = []): Promise<CertSet> {
  const made = await redkite(['certs', 'create', '--dir', dir, ...args])
  if (made.exitCode !== 0) throw new Error(`certs create failed: ${made.stderr}`)
  return setIn(dir)
}

/** What the page's script makes (repaired for OpenSSL 3): one subject for all, serverAuth only in both leaves. */
export async function pageScriptSet(dir: string): Promise<CertSet> {
  mkdirSync(dir, { recursive: true })
  await pageGenerate(dir)
  return setIn(dir)
}
