/**
 * Real pymilvus against the built server: its quick starts unchanged in every combination of TLS and authentication,
 * and the everyday calls with values that the program itself computes. The programs stand in `python/`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Login, Show } from '../support/clients.ts'
import { python, run } from '../support/tools.ts'
import { type Certificates, combinations, makeCertificates, STRICT, serve } from './combinations.ts'

let certificates: Certificates
before(async () => {
  certificates = await makeCertificates()
})
after(() => certificates[Symbol.dispose]())

/** The arguments of `MilvusClient(...)`, as the page writes them. */
function clientOptions(port: number, show: Show, login: Login): Record<string, unknown> {
  const token = login ? { token: `${login.user}:${login.password}` } : {}
  if (show.kind === 'plain') return { uri: `http://localhost:${port}`, ...token }
  const secure = { uri: `https://localhost:${port}`, secure: true, server_name: 'localhost', ...token }
  const { server, client, clientKey, ca } = show.set
  if (show.kind === 'oneWay') return { ...secure, server_pem_path: server }
  return { ...secure, client_pem_path: client, client_key_path: clientKey, ca_pem_path: ca }
}

interface Check {
  readonly name: string
  readonly error: string | null
}

/** Runs a program of `python/`; every check that it made. */
async function checksOf(program: string, options: Record<string, unknown>): Promise<readonly Check[]> {
  const file = fileURLToPath(new URL(`./python/${program}`, import.meta.url))
  const env = { PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore' }
  const ran = await run(python.path, [file, JSON.stringify(options)], { env })
  assert.equal(ran.exitCode, 0, ran.stderr)
  return ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Check)
}

describe('pymilvus', { skip: python.skip }, () => {
  for (const combination of combinations) {
    it(`quick starts, sync and async: ${combination.name}`, async () => {
      await using served = await serve(combination, certificates.set)
      const options = clientOptions(served.port, certificates.show(combination.kind), combination.login)
      const checks = await checksOf('quick_start.py', options)
      assert.equal(checks.length, 2)
      for (const { name, error } of checks) assert.equal(error, null, `${name}: ${error}`)
    })
  }

  it(`everyday calls: ${STRICT.name}`, async (t) => {
    await using served = await serve(STRICT, certificates.set)
    const checks = await checksOf('everyday.py', clientOptions(served.port, certificates.show('mutual'), STRICT.login))
    assert.ok(checks.length >= 20, `${checks.length} checks ran`)
    for (const { name, error } of checks) await t.test(name, () => assert.equal(error, null, error ?? ''))
  })

  it(`users, roles and grants: ${STRICT.name}`, async (t) => {
    await using served = await serve(STRICT, certificates.set)
    const checks = await checksOf('roles.py', clientOptions(served.port, certificates.show('mutual'), STRICT.login))
    assert.equal(checks.length, 5)
    for (const { name, error } of checks) await t.test(name, () => assert.equal(error, null, error ?? ''))
  })
})
