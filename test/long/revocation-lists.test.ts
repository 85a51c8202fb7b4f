/** Revocation lists decide on real ports: which lists count, what they revoke, and what happens while they change. */
import assert from 'node:assert/strict'
import { randomBytes, X509Certificate } from 'node:crypto'
import { type EventEmitter, once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { before, describe, test } from 'node:test'
import { StartError } from '../../src/errors/start-error.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { openRevocation } from '../../src/tls/revocation/open.ts'
import { type Made, make } from '../support/certificates.ts'
import { makeCrl } from '../support/crls.ts'
import { runOpenssl } from '../support/page-script.ts'
import { temporary } from '../support/server.ts'
import { http2Call } from '../support/tls-client.ts'
import { openPort, type Port, recordingLog, until } from '../support/tls-port.ts'
import { openssl } from '../support/tools.ts'

let ca: Made
let otherCa: Made
let server: Made
let listed: Made
let free: Made

before(async () => {
  ca = await make({ cn: 'root', ca: true })
  otherCa = await make({ cn: 'other root', ca: true })
  server = await make({ cn: 'localhost', by: ca, usages: ['serverAuth'] })
  listed = await make({ cn: 'listed', by: ca, usages: ['clientAuth'] })
  free = await make({ cn: 'free', by: ca, usages: ['clientAuth'] })
})

interface Wish {
  readonly mode?: 'soft' | 'hard'
  /** Files of the directory of lists. */
  readonly lists: Readonly<Record<string, string | Buffer>>
  /** Content of the CA file; default the one authority. */
  readonly trusted?: readonly Made[]
}

interface Guarded extends AsyncDisposable {
  readonly port: Port
  readonly metrics: ReturnType<typeof createMetrics>
  readonly lines: ReturnType<typeof recordingLog>['lines']
  put(name: string, content: string | Buffer): void
  remove(name: string): void
  /** `null` = admitted, else the reason of the refusal. */
  verdict(client: Made, chain?: string): Promise<string | null>
}

/** A mutual TLS port with lists; the directory of lists can be changed. */
async function guard({ mode = 'soft', lists, trusted = [ca] }: Wish): Promise<Guarded> {
  await using opened = new AsyncDisposableStack()
  const folder = temporary()
  opened.defer(() => folder[Symbol.dispose]())
  const file = (name: string) => join(folder.path, name)
  const put = (name: string, content: string | Buffer) => {
    writeFileSync(file(`${name}.next`), content)
    renameSync(file(`${name}.next`), file(name))
  }
  mkdirSync(file('crls'))
  for (const [name, content] of Object.entries(lists)) put(join('crls', name), content)
  put('server.pem', server.pem)
  writeFileSync(file('server.key'), server.key, { mode: 0o600 })
  put('ca.pem', trusted.map(({ pem }) => pem).join(''))
  const metrics = createMetrics()
  const log = recordingLog()
  const revocation = await openRevocation({ denyListPath: '', crlPath: file('crls'), crlMode: mode }, log, metrics)
  assert.ok(revocation)
  opened.use(revocation)
  const files = {
    kind: 'mutual',
    serverPem: file('server.pem'),
    serverKey: file('server.key'),
    caPem: file('ca.pem'),
  } as const
  const port = opened.use(await openPort(files, { settings: { revocation } }))
  const held = opened.move()
  return {
    port,
    metrics,
    lines: log.lines,
    put: (name, content) => put(join('crls', name), content),
    remove: (name) => rmSync(file(join('crls', name))),
    async verdict(client, chain = '') {
      const before = await refusals(port)
      const tls = { ca: ca.pem, cert: client.pem + chain, key: client.key, servername: 'localhost' }
      try {
        await http2Call(port.port, tls, 'application/grpc')
        return null
      } catch {
        // The client may see the end before the server has counted it.
        let reason: string | undefined
        await until('the refusal is counted', async () => {
          const after = await refusals(port)
          reason = [...after.keys()].find((key) => after.get(key) !== before.get(key))
          return reason !== undefined
        })
        return reason ?? ''
      }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function refusals(port: Port): Promise<ReadonlyMap<string, number>> {
  const { values } = await port.metrics.handshakes.get()
  return new Map(
    values
      .filter(({ labels }) => labels.result === 'refused')
      .map(({ labels, value }) => [String(labels.reason), value]),
  )
}

const alarms = (guarded: Guarded) => guarded.lines.filter(({ level }) => level === 'error' || level === 'warn')
const said = (guarded: Guarded, message: string) => guarded.lines.filter((line) => line.message === message)
/** Like `once`, but a thing that never happens fails the test instead of stopping it. */
const soon = (emitter: EventEmitter, event: string) => once(emitter, event, { signal: AbortSignal.timeout(15_000) })
const CLIENT = { usages: ['clientAuth'] } as const

describe('a list', () => {
  test('refuses whom it names in soft mode as in hard, and admits the others without a word', async () => {
    const list = await makeCrl({ by: ca, revoked: [listed] })
    for (const mode of ['soft', 'hard'] as const) {
      await using guarded = await guard({ mode, lists: { 'ca.crl': list.pem } })
      assert.equal(await guarded.verdict(listed), 'revoked')
      assert.equal(await guarded.verdict(free), null)
      assert.deepEqual(alarms(guarded), [])
      const cause = String(guarded.port.refusals()[0]?.['cause'])
      assert.match(cause, /certificate is revoked since \d{4}-.* by its authority CN=root: CN=listed .*keyCompromise/)
    }
  })

  test('that has expired: hard refuses all of its authority, soft admits with one alarm; the named stay refused', async () => {
    const list = await makeCrl({ by: ca, revoked: [listed], fromDays: -2, toDays: -1 })
    await using hard = await guard({ mode: 'hard', lists: { 'ca.crl': list.pem } })
    assert.equal(await hard.verdict(free), 'revocationUnknown')
    assert.equal(await hard.verdict(listed), 'revoked')
    assert.match(String(hard.port.refusals()[0]?.['cause']), /the revocation list of CN=root is not current/)
    await using soft = await guard({ lists: { 'ca.crl': list.pem } })
    for (const _ of [1, 2]) assert.equal(await soft.verdict(free), null)
    assert.equal(await soft.verdict(listed), 'revoked')
    assert.equal(said(soft, 'client admitted although revocation is unknown').length, 1)
    await until('its end is told', () => said(soft, 'revocation list expired').length === 1)
    const { values } = await soft.metrics.revocationUnknown.get()
    assert.deepEqual(values, [{ labels: { issuer: 'CN=root' }, value: 2 }])
    const next = (await soft.metrics.registry.getSingleMetricAsString('redkite_tls_crl_next_update_seconds')).split(
      '\n',
    )
    assert.ok(
      next.some((line) => /\{issuer="CN=root"\} \d{10}$/.test(line)),
      next.join('\n'),
    )
  })

  test('that has less than a quarter of its life left is told of, once', async () => {
    await using old = await guard({ lists: { 'ca.crl': (await makeCrl({ by: ca, fromDays: -4, toDays: 1 })).pem } })
    await using young = await guard({ lists: { 'ca.crl': (await makeCrl({ by: ca, fromDays: -2, toDays: 1 })).pem } })
    await until('it is told', () => said(old, 'revocation list expires soon').length === 1)
    old.put('again.crl', 'nothing')
    await until(
      'it was looked at again',
      () => said(old, 'revocation list not read, the one in use stays').length === 1,
    )
    assert.equal(said(old, 'revocation list expires soon').length, 1)
    assert.deepEqual(alarms(young), [])
  })

  test('is missing for one of two authorities: hard refuses that one, soft admits it with an alarm', async () => {
    const list = await makeCrl({ by: ca })
    const stranger = await make({ cn: 'stranger', by: otherCa, ...CLIENT })
    await using hard = await guard({ mode: 'hard', lists: { 'ca.crl': list.pem }, trusted: [ca, otherCa] })
    assert.equal(await hard.verdict(stranger), 'revocationUnknown')
    assert.equal(await hard.verdict(free), null)
    await using soft = await guard({ lists: { 'ca.crl': list.pem }, trusted: [ca, otherCa] })
    assert.equal(await soft.verdict(stranger), null)
    assert.equal(said(soft, 'client admitted although revocation is unknown').length, 1)
  })

  test('counts only if its authority signed it, with a key that may sign lists', async () => {
    const forged = await makeCrl({ by: ca, signedBy: otherCa, revoked: [free] })
    await using guarded = await guard({ mode: 'hard', lists: { 'forged.crl': forged.pem } })
    assert.equal(await guarded.verdict(free), 'revocationUnknown')
    // A forged list does not keep the true one out, whatever its number.
    const loud = await makeCrl({ by: ca, signedBy: otherCa, revoked: [free], number: 100, fromDays: -0.5 })
    guarded.put('forged.crl', loud.pem)
    await until('it is read', () => said(guarded, 'revocation list in use').length === 2)
    guarded.put('ca.crl', (await makeCrl({ by: ca, revoked: [listed], number: 2 })).pem)
    await until('the true one counts', async () => (await guarded.verdict(free)) === null)
    assert.equal(await guarded.verdict(listed), 'revoked')
  })

  test('comes in PEM, several in a file, or DER; files beside them are passed over', async () => {
    const stranger = await make({ cn: 'stranger', by: otherCa, ...CLIENT })
    const [one, two] = [
      await makeCrl({ by: ca, revoked: [listed] }),
      await makeCrl({ by: otherCa, revoked: [stranger] }),
    ]
    const forms = [
      { 'both.crl': ca.pem + one.pem + two.pem },
      { 'a.der': one.der, 'b.r0': two.der, 'README.md': 'none' },
    ]
    for (const lists of forms) {
      await using guarded = await guard({ mode: 'hard', lists, trusted: [ca, otherCa] })
      assert.equal(await guarded.verdict(listed), 'revoked')
      assert.equal(await guarded.verdict(stranger), 'revoked')
      assert.equal(await guarded.verdict(free), null)
    }
  })

  test('on hold is refused as well, and says so; so is an entry that says removeFromCRL', async () => {
    const held = await make({ cn: 'held', by: ca, ...CLIENT })
    const removed = await make({ cn: 'removed', by: ca, ...CLIENT })
    const revoked = [
      { made: held, reason: 6 },
      { made: removed, reason: 8 },
    ]
    await using guarded = await guard({ lists: { 'ca.crl': (await makeCrl({ by: ca, revoked })).pem } })
    assert.equal(await guarded.verdict(held), 'revoked')
    assert.match(String(guarded.port.refusals()[0]?.['cause']), /certificate is on hold since/)
    assert.equal(await guarded.verdict(removed), 'revoked')
  })
})

describe('lists that cannot be understood', () => {
  const unusable = {
    delta: ['2.5.29.27', true, '020101'],
    partial: ['2.5.29.28', true, '30038101ff'],
    unknown: ['1.2.3.4', true, '0500'],
  } as const

  const opened = async (lists: Wish['lists']) => {
    await using _ = await guard({ lists })
  }

  test('stop the start, with the reason in the log', async () => {
    for (const extension of Object.values(unusable)) {
      const list = await makeCrl({ by: ca, revoked: [listed], extensions: [extension] })
      await assert.rejects(opened({ 'ca.crl': list.pem }), (error) => {
        assert.ok(error instanceof StartError)
        assert.equal(error.exitCode, 78)
        return /none of its revocation lists can be used/.test(error.message)
      })
    }
    for (const [content, message] of [
      ['-----BEGIN X509 CRL-----\nMIIB', /a PEM block has no end/],
      [ca.pem, /no revocation list in the file/],
      [Buffer.from('3003020101', 'hex'), /ca\.crl: .*missing or of another type/],
    ] as const) {
      await assert.rejects(opened({ 'ca.crl': content }), (error) => message.test(String(error)))
    }
    await assert.rejects(opened({}), /there is no revocation list in it/)
  })

  test('never replace the one in use: unusable, older, half-written, vanished', async () => {
    const good = await makeCrl({ by: ca, revoked: [listed], number: 5 })
    await using guarded = await guard({ mode: 'hard', lists: { 'ca.crl': good.pem } })
    const refusedWith = (reason: RegExp) =>
      until(String(reason), () => guarded.lines.some(({ fields }) => reason.test(String(fields['reason']))))
    const check = async () => {
      assert.equal(await guarded.verdict(listed), 'revoked')
      assert.equal(await guarded.verdict(free), null)
    }
    guarded.put('ca.crl', (await makeCrl({ by: ca, number: 6, extensions: [unusable.delta] })).pem)
    await refusedWith(/it is a delta list/)
    await check()
    guarded.put('ca.crl', (await makeCrl({ by: ca, number: 4, fromDays: 0 })).pem)
    await refusedWith(/older than the list in use \(number 4 .* in use 5/)
    await check()
    guarded.put('ca.crl', good.pem.slice(0, 200))
    await refusedWith(/a PEM block has no end/)
    await check()
    guarded.remove('ca.crl')
    guarded.put('other.crl', 'nothing')
    await refusedWith(/no revocation list in the file/)
    await check()
    guarded.put('other.crl', (await makeCrl({ by: ca, revoked: [free], number: 6 })).der)
    await until('the newer one counts', async () => (await guarded.verdict(free)) === 'revoked')
    assert.equal(await guarded.verdict(listed), null)
  })
})

describe('intermediate authorities', () => {
  let middle: Made
  let under: Made
  before(async () => {
    middle = await make({ cn: 'middle', by: ca, ca: true })
    under = await make({ cn: 'under', by: middle, ...CLIENT })
  })

  test('that the client sends cannot be asked: hard refuses and says what helps, soft admits with an alarm', async () => {
    const lists = { 'ca.crl': (await makeCrl({ by: ca })).pem, 'middle.crl': (await makeCrl({ by: middle })).pem }
    await using hard = await guard({ mode: 'hard', lists })
    assert.equal(await hard.verdict(under, middle.pem), 'revocationUnknown')
    assert.match(String(hard.port.refusals()[0]?.['remedy']), /an intermediate authority into the CA file/)
    await using soft = await guard({ lists })
    assert.equal(await soft.verdict(under, middle.pem), null)
    assert.equal(said(soft, 'client admitted although revocation is unknown').length, 1)
  })

  test('in the CA file are asked for their list, and fall with the list of their own authority', async () => {
    const [own, above] = [await makeCrl({ by: middle }), await makeCrl({ by: ca, number: 1 })]
    const trusted = [middle, ca]
    await using guarded = await guard({ mode: 'hard', lists: { 'a.crl': own.pem, 'b.crl': above.pem }, trusted })
    assert.equal(await guarded.verdict(under, middle.pem), null)
    guarded.put('b.crl', (await makeCrl({ by: ca, revoked: [middle], number: 2 })).pem)
    await until('it is refused', async () => (await guarded.verdict(under, middle.pem)) === 'revoked')
    assert.equal(await guarded.verdict(free), null)
  })

  test('a certificate that stands in the CA file itself needs no list, and falls when listed', async () => {
    const alone = await make({ cn: 'alone', by: otherCa, ...CLIENT })
    const lists = { 'ca.crl': (await makeCrl({ by: ca })).pem }
    await using guarded = await guard({ mode: 'hard', lists, trusted: [ca, alone] })
    assert.equal(await guarded.verdict(alone), null)
    const listing = { 'ca.crl': (await makeCrl({ by: ca, revoked: [free] })).pem }
    await using listed = await guard({ mode: 'hard', lists: listing, trusted: [ca, free] })
    assert.equal(await listed.verdict(free), 'revoked')
  })
})

test('a new list ends the live connections of those it names, and only theirs', async () => {
  await using guarded = await guard({ lists: { 'ca.crl': (await makeCrl({ by: ca })).pem } })
  const open = (client: Made) =>
    connectHttp2(`https://127.0.0.1:${guarded.port.port}`, {
      ca: ca.pem,
      cert: client.pem,
      key: client.key,
      servername: 'localhost',
    })
  const [doomed, spared] = [open(listed), open(free)]
  await Promise.all([soon(doomed, 'remoteSettings'), soon(spared, 'remoteSettings')])
  let hasGoaway = false
  doomed.on('goaway', () => {
    hasGoaway = true
  })
  const writtenAt = Date.now()
  guarded.put('ca.crl', (await makeCrl({ by: ca, revoked: [listed], number: 2 })).pem)
  await soon(doomed, 'close')
  console.log(`a live session was closed ${Date.now() - writtenAt} ms after the list was written`)
  assert.ok(hasGoaway)
  assert.equal(spared.closed, false)
  spared.destroy()
})

test('in hard mode the end of a list ends the connections that it vouched for', async () => {
  const seconds = (3 * 1000) / 86_400_000
  const list = await makeCrl({ by: ca, toDays: seconds })
  await using guarded = await guard({ mode: 'hard', lists: { 'ca.crl': list.pem } })
  const tls = { ca: ca.pem, cert: free.pem, key: free.key, servername: 'localhost' }
  const live = connectHttp2(`https://127.0.0.1:${guarded.port.port}`, tls)
  await soon(live, 'remoteSettings')
  await soon(live, 'close')
  assert.equal(said(guarded, 'revocation list expired').length, 1)
  assert.equal(await guarded.verdict(free), 'revocationUnknown')
  // The next list, put in place late, admits them again.
  guarded.put('ca.crl', (await makeCrl({ by: ca, number: 2 })).pem)
  await until('it is admitted again', async () => (await guarded.verdict(free)) === null)
})

test('a list of 100,000 entries is read beside the calls, and looked up at once', { skip: openssl.skip }, async () => {
  using folder = temporary()
  const last = serialNumber(listed)
  const serials = Array.from({ length: 99_999 }, () => `4${randomBytes(16).toString('hex').slice(1)}`.toUpperCase())
  const index = [...serials, last].map((serial) => `R\t600101000000Z\t250101000000Z\t${serial}\tunknown\t/CN=x\n`)
  writeFileSync(join(folder.path, 'index.txt'), index.join(''))
  writeFileSync(join(folder.path, 'number'), '02')
  writeFileSync(
    join(folder.path, 'ca.cnf'),
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\n',
  )
  writeFileSync(join(folder.path, 'ca.pem'), ca.pem)
  writeFileSync(join(folder.path, 'ca.key'), ca.key)
  await runOpenssl(folder.path, 'ca -gencrl -config ca.cnf -keyfile ca.key -cert ca.pem -crldays 30 -out big.crl')

  await using guarded = await guard({ mode: 'hard', lists: { 'ca.crl': (await makeCrl({ by: ca })).pem } })
  const perHandshake = async () => {
    const begun = performance.now()
    for (let round = 0; round < 30; round += 1) assert.equal(await guarded.verdict(free), null)
    return (performance.now() - begun) / 30
  }
  const small = await perHandshake()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  guarded.put('ca.crl', readFileSync(join(folder.path, 'big.crl')))
  await until('it counts', () => said(guarded, 'revocation list in use').length === 2)
  delay.disable()
  const large = await perHandshake()
  const [before, after] = [small.toFixed(2), large.toFixed(2)]
  console.log(
    `ms a handshake: ${before} with no entry, ${after} with 100,000; event loop held ${(delay.max / 1e6).toFixed(0)} ms`,
  )
  assert.equal(await guarded.verdict(listed), 'revoked')
})

const serialNumber = (made: Made) => new X509Certificate(made.pem).serialNumber
