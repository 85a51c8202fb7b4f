import { dirname, join, resolve } from 'node:path'
import { StartError } from '../../errors/start-error.ts'
import { checkChain, checkDates, checkPair, checkPurpose } from '../../pki/checks.ts'
import { RENEW_BELOW } from '../../pki/ensure.ts'
import { certificateFacts } from '../../pki/facts.ts'
import { parsePrivateKey } from '../../pki/keys.ts'
import { parseCertificates } from '../../pki/read.ts'
import { readSmallFile, UnreadableFile } from '../../tls/read-file.ts'
import { type Check, fail, ok, skip } from '../check.ts'
import { causeOf, fromFinding } from './material.ts'

const WHAT = 'client pair'

/** The client pair that lies beside the CA file of a mutual port, as the Milvus documentation has it: would it be admitted? */
export async function checkClientBeside(caPath: string, now: Date): Promise<readonly Check[]> {
  const directory = dirname(resolve(caPath))
  const [certPath, keyPath] = [join(directory, 'client.pem'), join(directory, 'client.key')]
  try {
    const pem = await textOf(certPath)
    if (pem === null) return [skip(WHAT, `no client.pem beside ${caPath}: clients have their files elsewhere`)]
    const [leaf, ...helpers] = parseCertificates(pem, certPath)
    const keyText = await textOf(keyPath)
    const anchors = parseCertificates((await textOf(caPath)) ?? '', caPath)
    const renew = `redkite certs renew --client --dir ${directory}`
    const key = keyText === null ? null : parsePrivateKey(keyText, keyPath)
    const loaded = { certificate: leaf, facts: await certificateFacts(leaf) }
    const pair = {
      role: 'client',
      certificateFile: 'client.pem',
      keyFile: 'client.key',
      leaf: loaded,
      helpers,
      key,
      renew,
    } as const
    const findings = [
      ...checkPair(pair),
      ...checkChain(pair, anchors),
      ...checkPurpose(pair),
      ...checkDates('client.pem', loaded.facts, now, RENEW_BELOW, renew),
    ]
    const wrong = findings.filter(({ level }) => level !== 'ok').map((finding) => fromFinding(WHAT, finding))
    return wrong.length > 0 ? wrong : [ok(WHAT, `${certPath} would be admitted: ${loaded.facts.subject}`)]
  } catch (error) {
    if (error instanceof UnreadableFile) return [skip(WHAT, error.message)]
    if (!(error instanceof StartError)) throw error
    return [fail(WHAT, error.message, error.hint ?? 'give another file', causeOf(error.message))]
  }
}

async function textOf(path: string): Promise<string | null> {
  try {
    return (await readSmallFile(resolve(path))).bytes.toString('latin1')
  } catch (error) {
    if (error instanceof UnreadableFile && error.kind === 'missing') return null
    throw error
  }
}
