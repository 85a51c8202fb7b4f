/** `redkite verify` against a real Milvus 2.3.5 in its own tlsMode 2: a server that is not ours. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { verifyCommand } from '../../src/cli/commands/verify.ts'
import { EXIT } from '../../src/errors/start-error.ts'
import { make } from '../support/certificates.ts'
import { realMilvusTool, startRealMilvus } from '../support/real-milvus.ts'
import { checksIn, runCommand } from '../support/run-command.ts'
import { temporary } from '../support/server.ts'

describe('redkite verify against a real Milvus', { skip: realMilvusTool.skip }, () => {
  it('proves its mutual TLS, and names why the page’s own client certificate is refused', async () => {
    using root = temporary()
    const put = (name: string, text: string): string => {
      const path = join(root.path, name)
      writeFileSync(path, text, { mode: 0o600 })
      return path
    }
    const ca = await make({ cn: 'Milvus Test CA', ca: true })
    const server = await make({ cn: 'server', by: ca, usages: ['serverAuth'] })
    const client = await make({ cn: 'client', by: ca, usages: ['clientAuth'] })
    const page = await make({ cn: 'page', by: ca, usages: ['serverAuth'] })
    const caPem = put('ca.pem', ca.pem)
    await using milvus = await startRealMilvus({
      tlsMode: 2,
      serverPem: put('server.pem', server.pem),
      serverKey: put('server.key', server.key),
      caPem,
    })
    const verify = (...args: readonly string[]) =>
      runCommand(verifyCommand, [`https://localhost:${milvus.port}`, '--ca', caPem, '-o', 'json', ...args])
    const pair = ['--cert', put('client.pem', client.pem), '--key', put('client.key', client.key)]
    const good = await verify(...pair)
    assert.equal(good.exitCode, EXIT.ok, good.stdout)
    const level = (what: string) => checksIn(good).find((check) => check.what === what)?.level
    for (const what of [
      'handshake',
      'server chain',
      'client',
      'no-client probe',
      'stranger probe',
      'plaintext probe',
    ]) {
      assert.equal(level(what), 'ok', `${what} in ${good.stdout}`)
    }
    assert.match(good.stdout, /GetVersion answers v2\.3\.5/)
    assert.equal(level('rest'), 'skip')
    const cause = async (...args: readonly string[]) =>
      checksIn(await verify(...args)).find((check) => check.what === 'client')?.cause
    assert.equal(await cause(), 'noCertificate')
    assert.equal(await cause('--cert', put('page.pem', page.pem), '--key', put('page.key', page.key)), 'serverAuthOnly')
  })
})
