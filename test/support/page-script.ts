/** The Milvus documentation's certificate scripts, with the one repair that OpenSSL 3 needs; run in a directory. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openssl, run } from './tools.ts'

/** The page's `openssl.cnf` section for both leaves: serverAuth only, one DNS name. */
const EXTENSIONS = `[v3_req]
basicConstraints = CA:FALSE
keyUsage = nonRepudiation, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = @alt_names
[alt_names]
DNS.1 = localhost
`
const SUBJECT = '/C=US/ST=State/L=City/O=Company/OU=Unit/CN=localhost'

/** One `openssl` command line in `directory`; fails with its output if it fails. */
export async function runOpenssl(directory: string, line: string): Promise<string> {
  const ran = await run(openssl.path, line.split(' '), { cwd: directory })
  assert.equal(ran.exitCode, 0, `openssl ${line}\n${ran.stdout}${ran.stderr}`)
  return ran.stdout + ran.stderr
}

/** What `gen.sh` makes: the seven files, an authority without keyUsage, one subject for all, serverAuth in both leaves. */
export async function pageGenerate(directory: string): Promise<void> {
  const key = 'genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out'
  await runOpenssl(directory, `${key} ca.key`)
  await runOpenssl(directory, `req -new -x509 -key ca.key -out ca.pem -days 36500 -subj ${SUBJECT}`)
  for (const role of ['server', 'client']) {
    await runOpenssl(directory, `${key} ${role}.key`)
    await pageSign(directory, role, '-CAcreateserial')
  }
}

/** The signing step of `gen.sh` and `renew.sh`: a certificate for `<role>.key`; `serial` is the `-CAserial` option. */
export async function pageSign(directory: string, role: string, serial: string): Promise<void> {
  await writeFile(join(directory, 'page.cnf'), EXTENSIONS)
  await runOpenssl(directory, `req -new -key ${role}.key -out ${role}.csr -subj ${SUBJECT}`)
  const ca = `-CA ca.pem -CAkey ca.key ${serial}`
  const extensions = '-extfile page.cnf -extensions v3_req'
  await runOpenssl(directory, `x509 -req -in ${role}.csr ${ca} -out ${role}.pem -days 3650 ${extensions}`)
}
