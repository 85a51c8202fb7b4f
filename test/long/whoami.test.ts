/** `redkite tls whoami`: the dry run of the identity rules. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Made, make, type Wish } from '../support/certificates.ts'
import { redkite, temporary } from '../support/server.ts'

const place = temporary()
let ca: Made

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  writeFileSync(join(place.path, 'ca.pem'), ca.pem)
  writeFileSync(join(place.path, 'server.pem'), server.pem)
  writeFileSync(join(place.path, 'server.key'), server.key, { mode: 0o600 })
})
after(() => place[Symbol.dispose]())

const RULES = 'uri=spiffe://prod.example/app/([a-z0-9-]+) -> $1; cn=admin -> root; cn=(.*) -> $1'

interface Answer {
  readonly user: string | null
  readonly reason: string | null
  readonly policy: string | null
  readonly rule: { readonly number: number; readonly matched: string } | null
  readonly admission: { readonly admitted: boolean; readonly reasons: readonly string[] }
}

async function whoami(wish: Partial<Wish>, args: readonly string[] = []) {
  const made = await make({ cn: 'client', by: ca, usages: ['clientAuth'], names: [], ...wish })
  const file = join(place.path, 'client.pem')
  writeFileSync(file, made.pem)
  const set = [`redkite.identity.rules=${RULES}`, 'redkite.identity.policy=writer=certificate']
  const all = ['--tls', 'mutual', '--tls-dir', place.path, ...set.flatMap((value) => ['--set', value]), ...args]
  const [text, json] = [
    await redkite(['tls', 'whoami', '--cert', file, ...all]),
    await redkite(['tls', 'whoami', '--cert', file, ...all, '-o', 'json']),
  ]
  assert.equal(text.exitCode, json.exitCode)
  return { ...(JSON.parse(json.stdout) as Answer), text: text.stdout, exitCode: text.exitCode }
}

describe('tls whoami', () => {
  it('names user, rule, policy and authority', async () => {
    const found = await whoami({ uris: ['spiffe://prod.example/app/web-1'] })
    assert.equal(found.exitCode, 0)
    assert.deepEqual([found.user, found.rule?.number, found.policy], ['web-1', 1, 'password'])
    assert.match(found.text, /uri +spiffe:\/\/prod\.example\/app\/web-1\n/)
    assert.match(found.text, /rule +1: uri=spiffe/)
    assert.match(found.text, /admitted +yes: issued under CN=root/)
    assert.match((await whoami({ cn: 'writer' })).text, /shows +its certificate, and no password/)
  })
  const nobody: Readonly<Record<string, readonly [Partial<Wish>, RegExp]>> = {
    'a name of no user': [{ cn: '9x' }, /no user name/],
    'two common names': [{ subject: [{ CN: ['a'] }, { CN: ['b'] }] }, /2 common names/],
    'a bad SPIFFE id': [{ uris: ['spiffe://Prod/x'] }, /trust domain/],
    'root by a capture': [{ cn: 'root' }, /only an exact rule/],
    'serverAuth only': [{ usages: ['serverAuth'] }, /a server is never a user/],
  }
  for (const [name, [wish, reason]] of Object.entries(nobody)) {
    it(`says why ${name} is nobody, exit code 1`, async () => {
      const found = await whoami(wish)
      assert.equal(found.exitCode, 1)
      assert.equal(found.user, null)
      assert.match(String(found.reason), reason)
    })
  }
  it('says that none of the rules matches', async () => {
    const found = await whoami({ subject: [{ O: ['Example'] }] })
    assert.deepEqual([found.exitCode, found.reason], [1, 'none of 3 rules matches'])
  })
  it('prints hostile names so that no terminal obeys them', async () => {
    const { text } = await whoami({ subject: [{ CN: ['a\u202e\u001b[31mb'] }] })
    assert.match(text, /a\\u\{202e\}\\u\{1b\}\[31mb/)
    assert.ok(!text.includes('\u202e') && !text.includes('\u001b'))
  })
  it('says why a certificate would not be admitted, exit code 1', async () => {
    const other = await make({ cn: 'other', ca: true })
    for (const [wish, reason] of [
      [{ by: other }, /no certificate of the CA file leads to it \(its issuer is CN=other\)/],
      [{ fromDays: -9, toDays: -1 }, /it expired on/],
      [{ keyKind: 'rsa1024' }, /too weak/],
    ] as const) {
      const found = await whoami({ cn: 'writer', ...wish })
      assert.deepEqual([found.exitCode, found.admission.admitted], [1, false])
      assert.match(found.admission.reasons.join(' '), reason)
    }
    const plain = await redkite(['tls', 'whoami', '--cert', join(place.path, 'client.pem'), '--tls', 'off'])
    assert.match(plain.stdout, /no client certificate is asked for/)
  })
  it('needs a file that is there', async () => {
    const ran = await redkite(['tls', 'whoami', '--cert', join(place.path, 'none.pem')])
    assert.match(ran.stderr, /there is no file .*none\.pem/)
    assert.equal(ran.exitCode, 78)
  })
})
