/**
 * Property 5: what the scanners of the trade say of our ports. testssl.sh looks at two of them at once in every run, at
 * all in the long one; sslscan looks at all, always.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { run } from '../support/tools.ts'
import { internalTls, settings } from '../support/upstream.ts'
import { isLong, report, TEST_MS_MAX } from './support/budget.ts'
import { sslscan, testssl } from './support/programs.ts'

/** Findings of LOW and above that stand, each with its reason. Nothing else may. */
const ALLOWED: Readonly<Record<string, string>> = {
  cert_revocation: 'a private CA has no public CRL or OCSP responder: its lists are given to the servers as files',
  DNS_CAArecord: 'CAA binds public CAs, and the scanned name is localhost',
  cert_validityPeriod: 'a private CA may issue for 397 days',
  cert_extlifeSpan: 'the same, in the words of version 3.0',
  RC4: 'not a finding: the OpenSSL of the scanner has no RC4 to try with',
}
const place = temporary()
let set: CertSet
let oneWay: Served
let mutual: Served
before(async () => {
  set = await createSet(join(place.path, 'tls'))
  const start = (mode: string) =>
    startRedkite({
      args: [
        '--tls',
        mode,
        '--tls-dir',
        set.dir,
        '--http-port',
        '0',
        ...internalTls(set),
        ...settings({ 'proxy.http.enableHSTS': 'true' }),
      ],
    })
  ;[oneWay, mutual] = [await start('one-way'), await start('mutual')]
})
after(async () => {
  await oneWay?.[Symbol.asyncDispose]()
  await mutual?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

interface Target {
  readonly what: string
  readonly port: () => number
  readonly versions: readonly string[]
  /** Scanned by testssl.sh in every run. */
  readonly always?: true
}
const BOTH = ['1.2', '1.3']
const internalPort = () => Number(new URL(mutual.ready.internal ?? '').port)
const targets: readonly Target[] = [
  { what: 'gRPC, mode 1', port: () => oneWay.port, versions: BOTH },
  { what: 'REST, mode 1', port: () => oneWay.restPort, versions: BOTH, always: true },
  { what: 'gRPC, mode 2', port: () => mutual.port, versions: ['1.3'], always: true },
  { what: 'REST, mode 2', port: () => mutual.restPort, versions: ['1.3'] },
  { what: 'internal', port: internalPort, versions: ['1.3'] },
]

interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

describe('testssl.sh', { skip: testssl.skip, concurrency: 2 }, () => {
  for (const { what, port, versions } of targets.filter(({ always }) => always || isLong)) {
    it(`finds nothing of LOW or above in ${what} but what a private CA brings`, { timeout: TEST_MS_MAX }, async (t) => {
      const began = performance.now()
      const { findings, said } = await scan(port(), what.replaceAll(/\W+/g, '-'))
      assert.ok(findings.length > 50, `${findings.length} findings: ${said.slice(-500)}`)
      assertFit(t, findings, versions)
      report(t, { findings: findings.length, seconds: Math.round((performance.now() - began) / 1000) })
    })
  }
})

/**
 * One scan. In mode 2 the refusal follows the handshake of TLS 1.3, and where it overtakes testssl's first look at the
 * port, it takes the port for dead and ends after a moment: then it is started again.
 */
async function scan(
  port: number,
  name: string,
): Promise<{ readonly findings: readonly Finding[]; readonly said: string }> {
  const how = isLong ? [] : ['--fast']
  for (let attempt = 1; ; attempt += 1) {
    const out = join(place.path, `${name}-${attempt}.json`)
    const args = ['--quiet', '--color', '0', '--warnings', 'batch', ...how, '--add-ca', set.ca, '--jsonfile', out]
    const { stdout } = await run(testssl.path, [...args, `https://localhost:${port}`])
    const findings = JSON.parse(readFileSync(out, 'utf8')) as readonly Finding[]
    if (attempt === 5 || !/OpenSSL cannot connect/.test(stdout)) return { findings, said: stdout }
  }
}

function assertFit(t: TestContext, findings: readonly Finding[], versions: readonly string[]): void {
  const bad = findings.filter(({ severity }) => !['OK', 'INFO', 'DEBUG'].includes(severity))
  for (const { id, severity } of bad) if (id in ALLOWED) t.diagnostic(`allowed: ${id} ${severity}: ${ALLOWED[id]}`)
  assert.deepEqual(
    bad.filter(({ id }) => !(id in ALLOWED)),
    [],
  )
  const of = (id: string) => findings.find((one) => one.id === id)?.finding ?? ''
  // What must have been looked at: a scan that broke off finds nothing either.
  for (const id of ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1']) assert.match(of(id), /^not offered/, id)
  assert.match(of('TLS1_2'), versions.includes('1.2') ? /^offered/ : /^not offered/)
  assert.match(of('TLS1_3'), /^offered/)
  assert.match(of('cert_chain_of_trust'), /^passed/)
  assert.match(of('heartbleed'), /^not vulnerable/)
  const grade = of('overall_grade')
  t.diagnostic(grade === '' ? 'this version of testssl.sh gives no grade' : `grade ${grade}`)
  if (grade !== '') assert.match(grade, /^A/)
}

describe('sslscan', { skip: sslscan.skip }, () => {
  for (const { what, port, versions } of targets) {
    it(`sees only ${versions.map((one) => `TLS ${one}`).join(' and ')}, no weak cipher, no renegotiation in ${what}`, async (t) => {
      const { stdout } = await run(sslscan.path, ['--no-colour', '--xml=-', `localhost:${port()}`])
      const protocols = [...stdout.matchAll(/<protocol type="(\w+)" version="([\d.]+)" enabled="1"/g)]
      assert.deepEqual(
        protocols.map(([, type, version]) => `${type} ${version}`),
        versions.map((version) => `tls ${version}`),
      )
      const ciphers = [
        ...stdout.matchAll(
          /<cipher status="\w+" sslversion="TLSv[\d.]+" bits="(\d+)" cipher="(\S+)".*strength="(\w+)"/g,
        ),
      ]
      assert.ok(ciphers.length >= 3, stdout)
      for (const [, bits, name, strength] of ciphers) {
        assert.ok(Number(bits) >= 128 && /GCM|CHACHA20/.test(name ?? ''), name)
        assert.match(strength ?? '', /strong|acceptable/, name)
      }
      assert.doesNotMatch(stdout, /vulnerable="1"|<renegotiation supported="1"/)
      report(t, { ciphers: ciphers.length })
    })
  }
})
