/** Sets of certificates as users make them: by the built command, or by the page's script. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { redkite } from './server.ts'
import { openssl, run } from './tools.ts'

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

/**
 * What the page's script makes, step by step with OpenSSL, with its one spelling mended (`-algorithm rsa:2048` is no
 * algorithm to OpenSSL 3): CA, server and client share a subject, and both leaves carry serverAuth only.
 */
export async function pageScriptSet(dir: string): Promise<CertSet> {
  mkdirSync(dir, { recursive: true })
  const subject = '/C=CN/ST=Zhejiang/L=Hangzhou/O=redkite/OU=test/CN=localhost'
  const extensions = 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,nonRepudiation,keyEncipherment\n'
  writeFileSync(join(dir, 'leaf.cnf'), `${extensions}extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n`)
  const call = async (...args: string[]) => {
    const ran = await run(openssl.path, args, { cwd: dir })
    if (ran.exitCode !== 0) throw new Error(`openssl ${args.join(' ')}: ${ran.stderr}`)
  }
  const newKey = (name: string) =>
    call('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', name)
  await newKey('ca.key')
  await call('req', '-new', '-x509', '-key', 'ca.key', '-out', 'ca.pem', '-days', '36500', '-subj', subject)
  for (const name of ['server', 'client']) {
    await newKey(`${name}.key`)
    await call('req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', subject)
    const sign = ['x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, '-CA', 'ca.pem', '-CAkey', 'ca.key']
    await call(...sign, '-CAcreateserial', '-CAserial', 'ca.srl', '-days', '3650', '-extfile', 'leaf.cnf')
  }
  return setIn(dir)
}
