/**
 * Property 14: every kind of certificate that this program issues is taken by five independent libraries for what it is
 * meant for, and refused by each for anything else.
 */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { certs } from '../support/certs-cli.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { openssl, run } from '../support/tools.ts'
import { amount, report } from './support/budget.ts'
import { certtool } from './support/programs.ts'
import { type Purpose, type Question, verifiers } from './support/verifiers.ts'

const place = temporary()
const at = (...names: string[]) => join(place.path, ...names)
/** Directories of sets, by how they were made. */
const sets: Readonly<Record<string, string>> = {
  'create, ec': at('ec'),
  'create, rsa': at('rsa'),
  'create, with every subject field and name': at('named'),
  'renew, ec': at('renewed-ec'),
  'renew, rsa': at('renewed-rsa'),
}
let stranger = ''

before(async () => {
  await certs('create', '--dir', at('ec'))
  await certs('create', '--dir', at('rsa'), '--key', 'rsa')
  const subject = ['--country', 'DE', '--state', 'BE', '--location', 'Köln', '--organization', 'Ö & Co', '--unit', 'U']
  await certs('create', 'db.example.com', '10.0.0.5', 'fe80::5', '--dir', at('named'), ...subject)
  for (const key of ['ec', 'rsa']) {
    await certs('create', '--dir', at(`renewed-${key}`), '--key', key)
    await certs('renew', '--dir', at(`renewed-${key}`))
  }
  await certs('create', '--dir', at('stranger'))
  stranger = at('stranger', 'ca.pem')
  await using _served = await startRedkite({ args: ['--auto-tls'], data: at('data') })
})
after(() => place[Symbol.dispose]())

const allSets = () => ({ ...sets, '--auto-tls': at('data', 'tls') })

function leavesOf(directory: string): readonly (readonly [file: string, purpose: Purpose])[] {
  const files = readdirSync(directory)
  return (['server', 'client'] as const).flatMap((purpose) =>
    files.includes(`${purpose}.pem`) ? [[join(directory, `${purpose}.pem`), purpose] as const] : [],
  )
}

describe('what is issued', () => {
  for (const { name, tool, ask } of verifiers) {
    it(`${name} takes each for its purpose and refuses it for the other, and under another CA`, {
      skip: tool.skip,
    }, async (t) => {
      const asked: { what: string; question: Question; good: boolean }[] = []
      for (const [what, directory] of Object.entries(allSets())) {
        const ca = join(directory, 'ca.pem')
        const leaves = leavesOf(directory)
        assert.ok(leaves.length >= 1, what)
        for (const [leaf, purpose] of leaves) {
          const other = purpose === 'server' ? 'client' : 'server'
          asked.push({ what: `${what}: ${purpose}`, question: { ca, leaf, purpose }, good: true })
          asked.push({ what: `${what}: ${purpose} as ${other}`, question: { ca, leaf, purpose: other }, good: false })
          asked.push({
            what: `${what}: ${purpose} of another CA`,
            question: { ca: stranger, leaf, purpose },
            good: false,
          })
        }
      }
      using scratch = temporary()
      const answers = await ask(
        asked.map(({ question }) => question),
        scratch.path,
      )
      assert.equal(answers.length, asked.length)
      for (const [index, { what, good }] of asked.entries())
        assert.equal(answers[index] === 'ok', good, `${what}: ${answers[index]}`)
      report(t, { questions: asked.length })
    })
  }

  it('keys are 0600, directories 0700, and nothing is overwritten without being told to', async () => {
    for (const [what, directory] of Object.entries(allSets())) {
      assert.equal(statSync(directory).mode & 0o777, 0o700, what)
      for (const file of readdirSync(directory).filter((one) => one.endsWith('.key'))) {
        assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, `${what}: ${file}`)
      }
    }
    const before_ = readFileSync(at('ec', 'server.key'), 'utf8')
    await assert.rejects(certs('create', '--dir', at('ec')), /will not overwrite the certificate set/)
    assert.equal(readFileSync(at('ec', 'server.key'), 'utf8'), before_)
  })

  it('serial numbers are unique, and random in at least 64 bits', async (t) => {
    const serials: bigint[] = []
    for (let round = 0; round < amount(10, 100); round += 1) {
      await certs('create', '--dir', at(`serial-${round}`))
      const read = (names: readonly string[]) => {
        for (const name of names) {
          const { serialNumber } = new X509Certificate(readFileSync(at(`serial-${round}`, name)))
          serials.push(BigInt(`0x${serialNumber}`))
        }
      }
      read(['ca.pem', 'server.pem', 'client.pem'])
      await certs('renew', '--dir', at(`serial-${round}`))
      read(['server.pem', 'client.pem'])
    }
    assert.equal(new Set(serials).size, serials.length)
    // No two that share 64 bits, wherever they stand: what counts on, or is drawn from little, would.
    const upper = serials.map((serial) => serial >> 64n)
    const lower = serials.map((serial) => BigInt.asUintN(64, serial))
    assert.equal(new Set(upper).size, serials.length)
    assert.equal(new Set(lower).size, serials.length)
    // RFC 5280 4.1.2.2: positive, 20 octets at most
    assert.ok(serials.every((serial) => serial > 0n && serial < 1n << 159n))
    report(t, { serials: serials.length })
  })
})

describe('revocation lists', () => {
  it('have rising numbers, and signatures that OpenSSL and GnuTLS verify', {
    skip: openssl.skip || certtool.skip,
  }, async () => {
    const directory = at('rsa')
    const numbers: bigint[] = []
    for (const make of [['crl'], ['revoke', join(directory, 'client.pem')], ['crl'], ['revoke', '0x12cd']]) {
      await certs(make[0] ?? '', ...make.slice(1), '--dir', directory)
      const args = ['crl', '-in', 'ca.crl', '-noout', '-crlnumber', '-CAfile', 'ca.pem']
      const { stdout, stderr } = await run(openssl.path, args, { cwd: directory })
      assert.match(stderr, /verify OK/)
      numbers.push(BigInt(/crlNumber=(0x[0-9A-F]+)/i.exec(stdout)?.[1] ?? '0'))
      const gnutls = ['--verify-crl', '--load-ca-certificate', 'ca.pem', '--infile', 'ca.crl']
      const second = await run(certtool.path, gnutls, { cwd: directory })
      assert.equal(second.exitCode, 0, second.stdout + second.stderr)
      assert.match(second.stdout, /Verification output: Verified/)
    }
    assert.ok(
      numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0n)),
      numbers.join(),
    )
  })
})
