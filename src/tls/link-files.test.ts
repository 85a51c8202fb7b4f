import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { MaterialFault } from './fault.ts'
import { readLinkFiles, unlockLink } from './link-files.ts'

const root = mkdtempSync(join(tmpdir(), 'redkite-link-'))
after(() => rmSync(root, { recursive: true, force: true }))

function file(name: string, text: string): { readonly key: string; readonly path: string } {
  const path = join(root, name)
  writeFileSync(path, text, { mode: 0o600 })
  return { key: `internaltls.${name}`, path }
}

it('the key that is shown to an upstream may be encrypted, by the passphrase of internal TLS', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const sealing = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'canary' } as const
  const client = { pem: file('client.pem', ''), key: file('client.key', privateKey.export(sealing).toString()) }
  const source = (text: string) => ({ kind: 'file', path: file('passphrase', text).path }) as const
  const files = { caPem: file('ca.pem', ''), client, passphrase: source('canary\n') }
  const locked = await readLinkFiles(files)
  const open = await unlockLink(locked, files)
  assert.ok(privateKey.equals(createPrivateKey(open.client?.key.text ?? '')))
  const wrong = { ...files, passphrase: source('wrong\n') }
  const changed = await readLinkFiles(wrong)
  assert.notEqual(changed.hash, locked.hash, 'a corrected passphrase is a change')
  await assert.rejects(unlockLink(changed, wrong), (error) => {
    assert.ok(error instanceof MaterialFault)
    assert.match(
      error.message,
      /^internaltls\.client\.key: .*the passphrase of redkite\.internaltls\.passphraseFile .* is wrong$/,
    )
    return true
  })
})
