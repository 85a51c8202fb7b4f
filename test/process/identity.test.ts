/**
 * Client certificates as users of a real server: every policy with every certificate and every password, over gRPC and
 * REST, and certificates whose names must decide nothing.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Made, make, type Wish } from '../support/certificates.ts'
import { MILVUS_SERVICE, rawGrpc, rawRest } from '../support/raw-http2.ts'
import { redkite, refusedStart, type Served, startRedkite, temporary } from '../support/server.ts'
import { type ClientTls, http1Call } from '../support/tls-client.ts'

const PASSWORD = 'long-enough'
const WRONG = 'auth check failure, please check username and password are correct'
const MISSING = 'missing authorization in header'
const REST_REFUSED = "user hasn't authenticated"

const place = temporary()
let ca: Made
let served: Served

function rulesYaml(rules: readonly string[], policy: string): string {
  const list = rules.map((rule) => `      - ${JSON.stringify(rule)}`).join('\n')
  return [
    'common: {security: {tlsMode: 2, authorizationEnabled: true}}',
    `tls: {serverPemPath: ${place.path}/server.pem, serverKeyPath: ${place.path}/server.key, caPemPath: ${place.path}/ca.pem}`,
    `redkite:\n  audit: {path: ${place.path}/audit.log, level: all}\n  identity:\n    policy: ${JSON.stringify(policy)}\n    rules:\n${list}\n`,
  ].join('\n')
}

async function client(wish: Partial<Wish>): Promise<ClientTls> {
  const made = await make({ cn: 'client', by: ca, usages: ['clientAuth'], names: [], ...wish })
  return { ca: ca.pem, cert: made.pem, key: made.key }
}

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  const server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  writeFileSync(join(place.path, 'ca.pem'), ca.pem)
  writeFileSync(join(place.path, 'server.pem'), server.pem + ca.pem)
  writeFileSync(join(place.path, 'server.key'), server.key, { mode: 0o600 })
  const rules = ['dn=CN=admin,O=Example, Inc -> root', 'dn=CN=boss,O=Example -> root', 'cn=([a-z]+) -> $1']
  // a comma within a rule must survive the list
  writeFileSync(join(place.path, 'milvus.yaml'), rulesYaml(rules, 'writer=certificate, ghost=certificate, ops=both'))
  served = await startRedkite({ args: ['--config', join(place.path, 'milvus.yaml'), '--host', '127.0.0.1'] })
  const boss = await client({ subject: [{ O: ['Example'] }, { CN: ['boss'] }] })
  for (const user of ['writer', 'ops', 'ann']) {
    const body = JSON.stringify({ userName: user, password: PASSWORD })
    const made = await rawRest(
      served.port,
      boss,
      '/v2/vectordb/users/create',
      { authorization: 'Bearer root:Milvus' },
      body,
    )
    assert.deepEqual(JSON.parse(made.body.toString()), { code: 0, data: {} })
  }
})
after(async () => {
  await served?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

/** Who the server took the caller for, or what it answered instead. ListCredUsers is root's: the refusal names the user. */
async function overGrpc(tls: ClientTls, login: string | null): Promise<string> {
  const metadata = login === null ? {} : { authorization: Buffer.from(login).toString('base64') }
  const { all } = await rawGrpc(served.port, tls, `${MILVUS_SERVICE}ListCredUsers`, metadata)
  const message = decodeURIComponent(String(all['grpc-message'] ?? ''))
  if (all['grpc-status'] === '0') return 'root'
  return /permission deny to (\w+) in/.exec(message)?.[1] ?? `${String(all['grpc-status'])} ${message}`
}

async function overRest(tls: ClientTls, login: string | null): Promise<string> {
  const headers = login === null ? {} : { authorization: `Bearer ${login}` }
  const answer = await rawRest(served.port, tls, '/v2/vectordb/users/list', headers)
  const { code, message } = JSON.parse(answer.body.toString()) as { code: number; message?: string }
  if (code === 0) return 'root'
  const user = /permission deny to (\w+) in/.exec(message ?? '')?.[1]
  return user ?? `${String(answer.headers[':status'])} ${message}`
}

const owners = ['writer', 'ops', 'ann', 'nobody'] as const
type Owner = (typeof owners)[number]
const passwords = ['right', 'wrong', 'none'] as const

/** What a user and a certificate come to. Written out, not computed: it is the promise. */
const promise: Readonly<
  Record<'writer' | 'ops' | 'ann', Readonly<Record<Owner, readonly [right: string, wrong: string, none: string]>>>
> = {
  // policy certificate
  writer: {
    writer: ['writer', WRONG, 'writer'],
    ops: ['certificate is that of user ops, and the credentials are those of writer', 'same', MISSING],
    ann: ['user writer needs its client certificate, and this connection has that of user ann', 'same', MISSING],
    nobody: [
      'user writer needs its client certificate, and this connection has none that maps to a user',
      'same',
      MISSING,
    ],
  },
  // policy both
  ops: {
    writer: ['certificate is that of user writer, and the credentials are those of ops', 'same', 'writer'],
    ops: ['ops', WRONG, MISSING],
    ann: ['user ops needs its client certificate, and this connection has that of user ann', 'same', MISSING],
    nobody: [
      'user ops needs its client certificate, and this connection has none that maps to a user',
      'same',
      MISSING,
    ],
  },
  // policy password
  ann: {
    writer: ['certificate is that of user writer, and the credentials are those of ann', 'same', 'writer'],
    ops: ['certificate is that of user ops, and the credentials are those of ann', 'same', MISSING],
    ann: ['ann', WRONG, MISSING],
    nobody: ['ann', WRONG, MISSING],
  },
}

describe('policy x certificate x password', () => {
  const certificates = new Map<Owner, ClientTls>()
  before(async () => {
    for (const owner of owners) certificates.set(owner, await client({ cn: owner === 'nobody' ? '9nobody' : owner }))
  })
  for (const user of ['writer', 'ops', 'ann'] as const) {
    for (const owner of owners) {
      for (const [at, password] of passwords.entries()) {
        const [right] = promise[user][owner]
        const cell = promise[user][owner][at] ?? ''
        const expected = cell === 'same' ? right : cell
        it(`${user} with the certificate of ${owner} and ${password} password: ${expected}`, async () => {
          const tls = certificates.get(owner) ?? {}
          const login = password === 'none' ? null : `${user}:${password === 'right' ? PASSWORD : 'not-the-one'}`
          const isUser = /^\w+$/.test(expected)
          const grpc = await overGrpc(tls, login)
          const rest = await overRest(tls, login)
          if (isUser) {
            assert.deepEqual([grpc, rest], [expected, expected])
          } else {
            assert.ok(grpc.startsWith('16 ') && grpc.endsWith(expected), grpc)
            const isClassical = expected === WRONG || expected === MISSING
            assert.ok(
              rest.startsWith(`401 ${REST_REFUSED}`) &&
                (isClassical ? rest.endsWith(REST_REFUSED) : rest.endsWith(expected)),
              rest,
            )
          }
        })
      }
    }
  }

  it('a verified password admits no later call that shows none', async () => {
    const tls = certificates.get('ops') ?? {}
    assert.equal(await overGrpc(tls, `ops:${PASSWORD}`), 'ops')
    assert.equal(await overGrpc(tls, null), `16 ${MISSING}`)
  })

  it('a mapped user that does not exist is told so', async () => {
    const ghost = await client({ cn: 'ghost' })
    const text =
      'the client certificate maps to user ghost, who does not exist; create the user, or change redkite.identity.rules'
    assert.equal(await overGrpc(ghost, null), `16 auth check failure, ${text}`)
    assert.equal(await overRest(ghost, null), `401 ${REST_REFUSED}: ${text}`)
  })

  it('a dropped user is refused at the next call, a certificate or not', async () => {
    const boss = await client({ subject: [{ O: ['Example'] }, { CN: ['boss'] }] })
    const admin = { authorization: 'Bearer root:Milvus' }
    const drop = await rawRest(served.port, boss, '/v2/vectordb/users/drop', admin, '{"userName":"writer"}')
    assert.equal(JSON.parse(drop.body.toString()).code, 0)
    assert.match(await overGrpc(certificates.get('writer') ?? {}, null), /maps to user writer, who does not exist/)
    const body = JSON.stringify({ userName: 'writer', password: PASSWORD })
    await rawRest(served.port, boss, '/v2/vectordb/users/create', admin, body)
    assert.equal(await overGrpc(certificates.get('writer') ?? {}, null), 'writer')
  })

  it('an empty Bearer, as the Node SDK sends it, is no credential', async () => {
    const answer = await rawRest(served.port, certificates.get('writer') ?? {}, '/v2/vectordb/users/list', {
      authorization: 'Bearer ',
    })
    assert.match(answer.body.toString(), /deny to writer/)
  })

  it('the administration of the server follows the same policy', async () => {
    const writer = certificates.get('writer') ?? {}
    const status = { ':method': 'GET', 'content-type': 'application/json' }
    const asWriter = await rawRest(served.port, writer, '/redkite/v1/tls/status', status, '')
    assert.equal(asWriter.headers[':status'], 403)
    const asRoot = await rawRest(
      served.port,
      writer,
      '/redkite/v1/tls/status',
      { ...status, authorization: 'Bearer root:Milvus' },
      '',
    )
    assert.equal(asRoot.headers[':status'], 401)
  })

  it('the audit log says how each was proved', () => {
    const lines = readFileSync(join(place.path, 'audit.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const proofs = (user: string) =>
      new Set(lines.filter((line) => line['user'] === user && line['event'] === 'call').map((line) => line['proof']))
    assert.deepEqual(proofs('writer'), new Set(['certificate', 'both']))
    assert.deepEqual(proofs('ops'), new Set(['both']))
    assert.deepEqual(proofs('ann'), new Set(['password']))
    assert.doesNotMatch(JSON.stringify(lines), new RegExp(`${PASSWORD}|not-the-one`))
  })
})

describe('certificates with hostile names', () => {
  const hostile: Readonly<Record<string, Partial<Wish>>> = {
    'two common names': { subject: [{ CN: ['writer'] }, { CN: ['writer'] }] },
    NUL: { subject: [{ CN: ['writer\0x'] }] },
    'a newline': { subject: [{ CN: ['writer\nuser root'] }] },
    'a CN of 10 kB': { subject: [{ CN: ['w'.repeat(10_240)] }] },
    '200 alternative names': { cn: 'writer', names: Array.from({ length: 200 }, (_, i) => `n${i}.example`) },
    'a right-to-left override': { subject: [{ CN: ['writer\u202e'] }] },
  }
  for (const [name, wish] of Object.entries(hostile)) {
    it(`${name}: the channel is fine, the user is nobody`, async () => {
      const tls = await client(wish)
      assert.equal(await overGrpc(tls, null), `16 ${MISSING}`)
      assert.equal(await overGrpc(tls, `ann:${PASSWORD}`), 'ann')
    })
  }
  it('are logged, escaped, on one line each', async () => {
    await served.logged(/client certificate is mapped to no user/)
    const lines = served
      .log()
      .split('\n')
      .filter((line) => line.includes('mapped to no user'))
    assert.ok(lines.length >= Object.keys(hostile).length)
    assert.ok(!/[\u202e\0]/.test(served.log()))
    assert.ok(!/^user root/m.test(served.log()))
  })
})

describe('a start with wrong rules', () => {
  const start = (rules: readonly string[], policy: string) => {
    const file = join(place.path, 'wrong.yaml')
    writeFileSync(file, rulesYaml(rules, policy))
    return refusedStart({ args: ['--config', file] })
  }
  it('names key, rule, column, remedy and place', async () => {
    const failed = await start(['cn=fine -> writer', 'cn=.* -> $1'], '*=password')
    assert.equal(failed.exitCode, 78)
    assert.match(
      failed.stderr,
      /wrong\.yaml:\d+:\d+: rule 2, column 5 of .*outside parentheses.*put the pattern into parentheses.*redkite\.identity\.rules/,
    )
  })
  it('says which policy entry cannot be read', async () => {
    assert.match(
      (await start(['cn=a -> b'], 'writer=card')).stderr,
      /"writer=card": write <user>=certificate\|password\|both/,
    )
  })
  it('refuses a policy that nobody could satisfy', async () => {
    assert.match((await start([], 'writer=certificate')).stderr, /no rule maps one to a user/)
    const failed = await refusedStart({ args: ['--set', 'redkite.identity.policy=*=both'] })
    assert.match(failed.stderr, /only tlsMode 2 asks clients for/)
  })
  it('reads rules from the environment, one a line or separated by semicolons', async () => {
    const made = await make({ cn: 'ann', by: ca, usages: ['clientAuth'] })
    const file = join(place.path, 'client.pem')
    writeFileSync(file, made.pem)
    const env = { REDKITE_IDENTITY_RULES: 'cn=(x{1,2}) -> writer; cn=(a[n,]+) -> $1' }
    const ran = await redkite(
      ['tls', 'whoami', '--cert', file, '--tls', 'mutual', '--tls-dir', place.path, '-o', 'json'],
      { env },
    )
    assert.equal(ran.exitCode, 0, ran.stderr)
    const { user, rule, policy } = JSON.parse(ran.stdout) as { user: string; rule: { number: number }; policy: string }
    assert.deepEqual([user, rule.number, policy], ['ann', 2, 'password'])
  })
})

describe('x-client-cert-expires-in', () => {
  const header = 'x-client-cert-expires-in'
  it('tells a client in the last third of its certificate’s life, whatever is answered', async () => {
    const old = await client({ cn: 'writer', fromDays: -21, toDays: 9 })
    const seconds = 9 * 86_400
    const answers = [
      await rawGrpc(served.port, old, `${MILVUS_SERVICE}GetVersion`),
      await rawGrpc(served.port, old, `${MILVUS_SERVICE}ListCredUsers`),
      await rawGrpc(served.port, old, '/grpc.health.v1.Health/Check'),
      await rawRest(served.port, old, '/v2/vectordb/collections/list'),
      await rawRest(served.port, old, '/nowhere'),
      await rawRest(served.port, old, '/redkite/v1/tls/status'),
    ]
    for (const { headers } of answers) {
      const told = Number(headers[header])
      assert.ok(told > seconds - 60 && told <= seconds, String(headers[header]))
    }
    assert.match(await http1Call(served.port, old), /x-client-cert-expires-in: 777\d\d\d/i)
    const metrics = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.match(metrics, /redkite_tls_expiring_clients_total\{listener="proxy"\} 7$/m)
  })
  it('says nothing before', async () => {
    const young = await client({ cn: 'writer', fromDays: -19, toDays: 11 })
    assert.equal((await rawGrpc(served.port, young, `${MILVUS_SERVICE}GetVersion`)).headers[header], undefined)
    assert.doesNotMatch(await http1Call(served.port, young), /expires-in/)
  })
})
