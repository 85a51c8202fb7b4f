import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type Made, make, type Wish } from '../../test/support/certificates.ts'
import type { LogFields } from '../observe/log.ts'
import { silentLog } from '../observe/log.ts'
import { loadNameReader, type NameReader } from '../pki/certificate-names.ts'
import { matchWhole } from './identity/pattern.ts'
import { parsePattern } from './identity/pattern-text.ts'
import { parsePolicy, proofWanted } from './identity/policy.ts'
import { compile } from './identity/program.ts'
import { parseRules } from './identity/rule.ts'
import { createIdentityMap, type Mapping, mapCertificate } from './identity.ts'

let read: NameReader
let ca: Made
before(async () => {
  read = await loadNameReader()
  ca = await make({ cn: 'root', ca: true })
})

async function mapping(rules: readonly string[], wish: Partial<Wish>): Promise<Mapping> {
  const made = await make({ cn: 'client', by: ca, names: [], ...wish })
  return mapCertificate(read, new Uint8Array(made.certificate.rawData), {
    rules: parseRules(rules),
    usernameBytesMax: 32,
  })
}

function outcome(result: Mapping): string {
  if (result.kind === 'mapped') return `${result.rule.number} ${result.user}`
  return result.kind === 'refused' ? `refused: ${result.reason}` : 'unmatched'
}

const EVERYONE = ['cn=(.*) -> $1']

describe('rules', () => {
  const cases: readonly (readonly [string, readonly string[], Partial<Wish>, string | RegExp])[] = [
    ['cn', ['cn=(.*) -> $1'], { cn: 'writer' }, '1 writer'],
    ['the whole cn', ['cn=(write) -> x'], { cn: 'writer' }, 'unmatched'],
    ['the first that matches', ['cn=nobody -> a', 'cn=writer -> b', 'cn=(.*) -> $1'], { cn: 'writer' }, '2 b'],
    ['dns, whatever its case', ['dns=ingest.example -> writer'], { names: ['Ingest.Example'] }, '1 writer'],
    ['a dot outside parentheses as a dot', ['dns=a.example -> writer'], { names: ['a-example'] }, 'unmatched'],
    ['one of several dns names', ['dns=b.example -> writer'], { names: ['a.example', 'b.example'] }, '1 writer'],
    ['email', ['email=([a-z]+)@example.com -> $1'], { emails: ['ann@example.com'] }, '1 ann'],
    [
      'uri',
      ['uri=spiffe://prod.example/app/([a-z0-9-]+) -> $1'],
      { uris: ['spiffe://prod.example/app/web-1'] },
      '1 web-1',
    ],
    [
      'dn as RFC 4514 has it',
      ['dn=CN=ops,O=Example -> root'],
      { subject: [{ O: ['Example'] }, { CN: ['ops'] }] },
      '1 root',
    ],
    [
      'a dn with commas and a plus in its values',
      ['dn=CN=a\\+b\\, c,O=Example -> writer'],
      { subject: [{ O: ['Example'] }, { CN: ['a+b, c'] }] },
      '1 writer',
    ],
    [
      'a dn that spells another one in its CN',
      ['dn=CN=ops,O=Example -> root'],
      { subject: [{ CN: ['ops,O=Example'] }] },
      'unmatched',
    ],
    ['a name that is no user name', EVERYONE, { cn: '9lives' }, /^refused: what the rule makes of its name/],
    ['a user name that is too long', EVERYONE, { cn: 'a'.repeat(33) }, /^refused: what the rule makes/],
    ['root by a capture', EVERYONE, { cn: 'root' }, 'refused: only an exact rule may map to root'],
    ['root put together', ['cn=(.*)-(.*) -> $1$2'], { cn: 'ro-ot' }, 'refused: only an exact rule may map to root'],
    ['root by an exact rule', ['cn=admin -> root'], { cn: 'admin' }, '1 root'],
    [
      'two names that are two users',
      ['dns=([a-z]+).example -> $1'],
      { names: ['ann.example', 'bob.example'] },
      'refused: several of its names are different users by one rule',
    ],
  ]
  for (const [name, rules, wish, expected] of cases) {
    it(`matches ${name}`, async () => {
      const result = outcome(await mapping(rules, wish))
      if (typeof expected === 'string') assert.equal(result, expected)
      else assert.match(result, expected)
    })
  }
})

describe('names that decide nothing', () => {
  const hostile: Readonly<Record<string, readonly [Partial<Wish>, RegExp]>> = {
    'two common names': [{ subject: [{ CN: ['writer'] }, { CN: ['root'] }] }, /2 common names/],
    'two common names in one RDN': [{ subject: [{ CN: ['writer', 'root'] }] }, /2 common names/],
    NUL: [{ subject: [{ CN: ['writer\0.evil'] }] }, /NUL/],
    'a newline': [{ subject: [{ CN: ['writer\nroot'] }] }, /control/],
    'a right-to-left override': [{ subject: [{ CN: ['writer\u202e'] }] }, /direction/],
    'a zero-width space': [{ subject: [{ CN: ['wri\u200bter'] }] }, /invisible/],
    'a control character in another attribute': [{ subject: [{ O: ['a\x1bb'] }, { CN: ['writer'] }] }, /control/],
    'a NUL in a DNS name': [{ cn: 'writer', names: ['writer.example\0.evil'] }, /NUL/],
    'a NUL in an email': [{ cn: 'writer', emails: ['writer@example.com\0@evil'] }, /NUL/],
    'a CN of 10 kB': [{ subject: [{ CN: ['w'.repeat(10_240)] }] }, /too long/],
    '200 alternative names': [
      { cn: 'writer', names: Array.from({ length: 200 }, (_, i) => `n${i}.example`) },
      /200 alternative names/,
    ],
  }
  for (const [name, [wish, reason]] of Object.entries(hostile)) {
    it(`with ${name}`, async () => {
      const result = await mapping(['cn=(.*) -> $1', 'dns=(.*).example -> writer'], wish)
      assert.equal(result.kind, 'refused')
      assert.match(outcome(result), reason)
    })
  }

  it('and a broken certificate is an answer, not an error', () => {
    const options = { rules: parseRules(EVERYONE), usernameBytesMax: 32 }
    assert.equal(
      outcome(mapCertificate(read, Buffer.from('300401', 'hex'), options)),
      'refused: its names cannot be read',
    )
  })

  it('and no damage to a certificate is more than an answer', async () => {
    const made = await make({ cn: 'writer', by: ca, names: ['a.example'], uris: ['spiffe://prod.example/web'] })
    const whole = new Uint8Array(made.certificate.rawData)
    const options = { rules: parseRules(['cn=(.*) -> $1', 'uri=(.*) -> writer']), usernameBytesMax: 32 }
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    const users = new Set<string>()
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (bytes, cut) => {
        const der = whole.slice(0, cut % 4 === 0 ? cut : whole.length)
        for (const [at, value] of bytes) der[at] = value
        const result = mapCertificate(read, der, options)
        if (result.kind === 'mapped') users.add(result.user)
      }),
      { numRuns: 2_000 },
    )
    for (const user of users) assert.match(user, /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/)
    assert.ok(!users.has('root'))
  })

  it('are logged once a certificate, without the names', async () => {
    const lines: LogFields[] = []
    const log = { ...silentLog, warn: (_: string, fields?: LogFields) => void lines.push(fields ?? {}) }
    const at = { ...log, at: () => log }
    const map = await createIdentityMap({ rules: parseRules(EVERYONE), usernameBytesMax: 32, log: at })
    const leaf = new X509Certificate((await make({ cn: 'x', by: ca, subject: [{ CN: ['evil\nname'] }] })).pem)
    for (let i = 0; i < 3; i++) assert.equal(map?.userOf(leaf), null)
    assert.equal(lines.length, 1)
    assert.doesNotMatch(JSON.stringify(lines), /evil/)
  })
})

describe('SPIFFE ids', () => {
  const rules = ['uri=spiffe://prod.example/([a-z]+) -> $1', 'uri=(.*) -> writer', 'cn=(.*) -> $1']
  const bad: Readonly<Record<string, readonly string[]>> = {
    'two URIs': ['spiffe://prod.example/web', 'https://prod.example/'],
    'an upper-case trust domain': ['spiffe://Prod.example/web'],
    'an upper-case scheme': ['SPIFFE://prod.example/web'],
    'a query': ['spiffe://prod.example/web?x'],
    'a fragment': ['spiffe://prod.example/web#x'],
    'a port': ['spiffe://prod.example:443/web'],
    'a user': ['spiffe://me@prod.example/web'],
    'an empty segment': ['spiffe://prod.example//web'],
    'a trailing slash': ['spiffe://prod.example/web/'],
    'a dot segment': ['spiffe://prod.example/../web'],
    'an escape': ['spiffe://prod.example/%77eb'],
  }
  for (const [name, uris] of Object.entries(bad)) {
    it(`with ${name} map to nobody, whatever other rules say`, async () => {
      const result = await mapping(rules, { cn: 'client', uris })
      assert.equal(result.kind, 'refused', outcome(result))
    })
  }
  it('that are right map', async () => {
    assert.equal(outcome(await mapping(rules, { uris: ['spiffe://prod.example/web'] })), '1 web')
    assert.equal(outcome(await mapping(rules, { uris: ['https://other.example/'] })), '2 writer')
  })
})

describe('the grammar', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['cn=writer', /rule 1, column 10 .*no " -> "/],
    ['sn=1 -> writer', /column 1 .*no field.*uri= email= dns= cn= dn=/],
    ['cn= -> writer', /column 4 .*empty pattern/],
    ['cn=.* -> writer', /column 5 .*"\*" outside parentheses.*\\\*/],
    ['cn=(a)+ -> writer', /column 7 .*"\+" outside/],
    ['cn=(.* -> writer', /column 4 .*nothing closes/],
    ['cn=a) -> writer', /column 5 .*nothing opens/],
    ['cn=((a)) -> writer', /column 5 .*within parentheses/],
    ['cn=() -> writer', /column 4 .*empty parentheses/],
    ['cn=([a) -> writer', /column 5 .*"\["/],
    ['cn=([z-a]) -> writer', /backwards/],
    ['cn=(a**) -> writer', /repetition of a repetition/],
    ['cn=(a{2,1}) -> writer', /cannot be read/],
    ['cn=(a{999}) -> writer', /up to 255/],
    ['cn=([a-z]{200}[a-z]{200}[a-z]{200}[a-z]{200}[a-z]{201}) -> writer', /grows too large/],
    ['cn=(*a) -> writer', /nothing before/],
    ['cn=(\\q) -> writer', /means nothing here/],
    ['cn=^(.*)$ -> writer', /not needed/],
    ['cn=(.*) -> $2', /\$2 and only 1/],
    ['cn=(.*) -> 9a', /\$1|is no user name/],
    ['cn=a -> 9a', /begin it with a letter/],
    ['cn=a -> a b', /is no user name/],
    ['cn=(.*) -> root', /root by a pattern/],
    ['dns=A.example -> writer', /lower case/],
    [`cn=${'a'.repeat(600)} -> writer`, /longer than 512/],
    ['cn=a\u202eb -> writer', /invisible/],
    ['dn=CN=ops, O=Example -> writer', /column 11 .*RFC 4514.*CN=a,O=b/],
  ]
  for (const [rule, reason] of wrong) {
    it(`refuses ${rule.slice(0, 40)}`, () => {
      assert.throws(() => parseRules([rule]), reason)
    })
  }

  it('bounds the number of rules', () => {
    assert.throws(() => parseRules(Array.from({ length: 201 }, () => 'cn=a -> b')), /at most 200/)
  })

  it('reads any text, or names a column that is there', () => {
    const chars = fc.constantFrom(...'()[]{}|*+?^$\\.,;=-> adnsx19$é\u{1f600}')
    const tail = fc.array(chars, { maxLength: 40 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.constantFrom('', 'cn=', 'dn=', 'dns=(', 'uri=([', 'cn=(a{'), tail, (head, rest) => {
        for (const text of [head + rest, `${head}${rest} -> writer`, `${head}${rest}) -> $1`]) {
          try {
            const [rule] = parseRules([text])
            assert.ok(rule)
            matchWhole(rule.program, rest)
          } catch (thrown) {
            const column = Number(/^rule 1, column (\d+) of /.exec(String((thrown as Error).message))?.[1])
            assert.ok(column >= 1 && column <= [...text].length + 1, `${text}: ${thrown}`)
          }
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('matches what a backtracking engine matches, captures included', () => {
    const atom = fc.tuple(
      fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\x61', '\\d'),
      fc.constantFrom('', '*', '+', '?', '{2}', '{1,3}', '{0,}'),
    )
    const sequence = fc.array(atom, { maxLength: 4 }).map((atoms) => atoms.map((pair) => pair.join('')).join(''))
    const group = fc
      .array(sequence, { minLength: 1, maxLength: 3 })
      .map((alternatives) => alternatives.join('|'))
      .filter((body) => body !== '')
    const pieces = fc.array(
      fc.oneof(
        group.map((body) => `(${body})`),
        fc.constantFrom('a', 'b', '1'),
      ),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    const text = fc.array(fc.constantFrom('a', 'b', '1'), { maxLength: 10 }).map((chars) => chars.join(''))
    fc.assert(
      fc.property(pieces, text, (parts, input) => {
        const pattern = parts.join('')
        const program = compile(parsePattern(pattern, 0))
        assert.ok(program)
        const native = new RegExp(`^(?:${pattern})$`, 'u').exec(input)
        assert.deepEqual(matchWhole(program, input), native?.slice(1) ?? null)
      }),
      { numRuns: 3_000 },
    )
  })

  it('takes linear time where backtracking would take for ever', () => {
    const program = compile(parsePattern('(a*a*a*a*a*a*a*a*a*a*b)', 0))
    assert.ok(program)
    const startedAt = performance.now()
    assert.equal(matchWhole(program, 'a'.repeat(2_000)), null)
    assert.ok(performance.now() - startedAt < 500)
  })
})

describe('the policy', () => {
  it('is read per user, password being the default', () => {
    const policy = parsePolicy(['writer=certificate', 'ops=both'])
    const wanted = ['writer', 'ops', 'ann', 'constructor', '__proto__'].map((user) => proofWanted(policy, user))
    assert.deepEqual(wanted, ['certificate', 'both', 'password', 'password', 'password'])
    assert.equal(proofWanted(parsePolicy(['*=both', 'ann=password']), 'bob'), 'both')
  })
  for (const entry of ['writer', 'writer=none', '=both', 'a=b=c', '9a=both']) {
    it(`refuses ${entry}`, () => {
      assert.throws(() => parsePolicy([entry]))
    })
  }
  it('refuses a user who stands there twice', () => {
    assert.throws(() => parsePolicy(['a=both', 'a=password']), /twice/)
    assert.throws(() => parsePolicy(['*=both', '*=password']), /twice/)
  })
})
