import { certificateFacts } from '../../pki/facts.ts'
import { MaterialFault } from '../../tls/fault.ts'
import { checkLink } from '../../tls/link-check.ts'
import { type LinkFiles, readLinkFiles, unlockLink } from '../../tls/link-files.ts'
import { type Check, fail, ok, warn } from '../check.ts'
import { checkExpiry } from '../server-certificate.ts'
import { causeOf } from './material.ts'

const WHAT = 'upstream files'

/** The files of the link to an upstream, loaded as the proxy loads them. */
export async function checkLinkFiles(files: LinkFiles, isStrict: boolean, now: Date): Promise<readonly Check[]> {
  try {
    const { anchors, client, warnings } = checkLink(await unlockLink(await readLinkFiles(files), files), now, isStrict)
    const checks = [
      ok(WHAT, `load as the proxy loads them: ${files.caPem.path}`),
      ...warnings
        .filter((text) => !/expired/.test(text))
        .map((text) => warn(WHAT, text, fixOf(text), causeOf(text.replace('lacks clientAuth', 'serverAuth only')))),
    ]
    for (const anchor of anchors) {
      const anew = 'get the new CA of the upstream in time'
      checks.push(checkExpiry(await certificateFacts(anchor), now, 'upstream CA', anew))
    }
    const leaf = client?.chain[0]
    if (leaf !== undefined) {
      const facts = await certificateFacts(leaf)
      checks.push(checkExpiry(facts, now, 'upstream client', 'redkite certs renew --client'))
    }
    return checks
  } catch (error) {
    if (!(error instanceof MaterialFault)) throw error
    return [fail(WHAT, error.message, error.hint, causeOf(error.message))]
  }
}

function fixOf(text: string): string {
  if (/clientAuth/.test(text)) return 'redkite certs renew --client: a client certificate needs clientAuth'
  return /chmod 600/.test(text) ? 'chmod 600 the key' : 'redkite certs verify says more'
}
