/** No secret leaves the server: not in its log at debug level, its metrics, its configuration or its errors. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { nodeClient } from '../support/clients.ts'
import { redkite, refusedStart, startRedkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { curl, run } from '../support/tools.ts'

const ROOT = 'Canary-Root-7f3a'
const NEXT = 'Canary-Next-91bc'
const WRONG = 'Canary-Wrong-55de'
const base64 = (text: string) => Buffer.from(text).toString('base64')

it('a canary in each password and the key files stay inside', { skip: curl.skip }, async () => {
  using place = temporary()
  const set = await createSet(join(place.path, 'tls'))
  const config = join(place.path, 'milvus.yaml')
  writeFileSync(
    config,
    `log: {level: debug}\ncommon: {security: {authorizationEnabled: true, defaultRootPassword: ${ROOT}}}\n`,
  )
  const args = ['--config', config, '--host', '127.0.0.1', '--tls', 'one-way', '--tls-dir', set.dir]
  await using served = await startRedkite({ args, data: join(place.path, 'data') })
  const said: string[] = []
  const tell = (answer: unknown) => said.push(answer instanceof Error ? String(answer.stack) : JSON.stringify(answer))

  const show = { kind: 'oneWay', set } as const
  const root = nodeClient(served.port, show, { user: 'root', password: ROOT })
  await root.createUser({ username: 'eve', password: NEXT }).then(tell, tell)
  await root.createUser({ username: 'e v e', password: NEXT }).then(tell, tell)
  await root.createUser({ username: 'long', password: `${NEXT}${'x'.repeat(100)}` }).then(tell, tell)
  await root.updateUser({ username: 'eve', oldPassword: WRONG, newPassword: ROOT }).then(tell, tell)
  await root.listCollections().then(tell, tell)
  await root.closeConnection()
  const stranger = nodeClient(served.port, show, { user: 'root', password: WRONG })
  await stranger.connectPromise.then(tell, tell)
  await stranger.listCollections().then(tell, tell)
  await stranger.closeConnection()
  for (const header of [
    `Authorization: Bearer root:${WRONG}`,
    `Authorization: Basic ${base64(`root:${WRONG}`)}`,
    `Authorization: ${WRONG}`,
  ]) {
    tell(await run(curl.path, ['-sS', '--cacert', set.ca, '-H', header, '-d', '{', served.ready.rest + LIST]))
  }
  const bodies = [`{"userName": "mallory", "password": "${NEXT}"}`, `{"userName": "m", "password": ["${NEXT}"]}`, NEXT]
  for (const body of bodies) {
    const header = `Authorization: Bearer root:${ROOT}`
    tell(await run(curl.path, ['-sS', '--cacert', set.ca, '-H', header, '-d', body, served.ready.rest + CREATE_USER]))
  }
  said.push(await (await fetch(`${served.ready.metrics}/metrics`)).text())
  served.process.kill('SIGHUP')
  await served.logged(/certificates are unchanged/)
  said.push(served.log(), served.stdout())
  assert.equal(await served.stop(), 0)
  for (const output of ['text', 'json']) tell(await redkite(['config', 'show', '--config', config, '-o', output]))
  const swapped = ['--set', `tls.serverPemPath=${set.serverKey}`, '--set', `tls.serverKeyPath=${set.server}`]
  tell(await refusedStart({ args: ['--tls', 'one-way', ...swapped] }))
  tell(
    await refusedStart({
      args: ['--config', config, '--set', `common.security.defaultRootPassword=${'x'.repeat(3)}`],
    }).catch(String),
  )

  const all = said.join('\n')
  assert.match(all, /rest call/, 'the log is at debug level')
  assert.match(all, /mallory|CreateCredential/)
  const keyLines = readFileSync(set.serverKey, 'utf8')
    .split('\n')
    .filter((line) => line.length > 40)
  const secrets = [
    ROOT,
    NEXT,
    WRONG,
    ...[ROOT, NEXT, WRONG].flatMap((secret) => [base64(secret), base64(`root:${secret}`)]),
  ]
  for (const secret of [...secrets, ...keyLines])
    assert.ok(!all.includes(secret), `${secret} in ${around(all, secret)}`)
})

const LIST = '/v2/vectordb/collections/list'
const CREATE_USER = '/v2/vectordb/users/create'

function around(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return text.slice(Math.max(0, at - 200), at + 100)
}
