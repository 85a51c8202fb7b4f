/** `redkite verify URI` names one cause and one remedy of each fault. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer as createTcp } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { EXIT } from '../../src/errors/start-error.ts'
import { make } from '../support/certificates.ts'
import { runOpenssl } from '../support/page-script.ts'
import { redkite, type Served, startRedkite } from '../support/server.ts'
import { openssl } from '../support/tools.ts'
import {
  at,
  type Bench,
  CA,
  ca,
  client,
  faulty,
  openBench,
  otherCa,
  pairOf,
  put,
  root,
  servedBy,
  server,
  told,
  uri,
  verify,
} from '../support/verify-bench.ts'

let bench: Bench
let mutual: Served
let oneWay: Served
let plain: Served
before(async () => {
  bench = await openBench()
  ;({ mutual, oneWay, plain } = bench)
})
after(() => bench?.[Symbol.asyncDispose]())

describe('redkite verify names the cause: ', () => {
  it('plaintext to TLS', async () => {
    const ran = await verify(`http://localhost:${oneWay.port}`)
    told(ran, { level: 'fail', cause: 'plaintextToTls', fix: /https:\/\/localhost:\d+ and --ca/ })
  })

  it('TLS to plaintext', async () => {
    const ran = await verify(`https://127.0.0.1:${plain.port}`, ...CA)
    told(ran, { level: 'fail', cause: 'tlsToPlaintext', fix: /common\.security\.tlsMode/ })
  })

  it('no certificate, on TLS 1.3 and, within the handshake, on TLS 1.2', async () => {
    told(await verify(uri(mutual.port), ...CA), {
      level: 'fail',
      what: 'client',
      cause: 'noCertificate',
      fix: /--cert client\.pem/,
    })
    await using old = await servedBy(server, {
      ca: ca.pem,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: 'TLSv1.2',
    })
    told(await verify(uri(old.port), ...CA), { level: 'fail', what: 'client', cause: 'noCertificate' })
    assert.equal(old.calls(), 0)
  })

  it('wrong CA, on either side', async () => {
    const ran = await verify(uri(oneWay.port), '--ca', at('other-ca.pem'))
    told(ran, {
      level: 'fail',
      what: 'server chain',
      cause: 'wrongCa',
      detail: /issued by CN=Verify Test CA.*holds CN=Another CA/,
      fix: /ca\.pem/,
    })
    told(ran, { level: 'skip', what: 'client' })
    told(await verify(uri(oneWay.port)), { level: 'fail', what: 'server chain', cause: 'wrongCa', fix: /--ca ca\.pem/ })
    const foreign = await client('foreign', { by: otherCa })
    told(await verify(uri(mutual.port), ...CA, ...foreign), {
      level: 'fail',
      what: 'client',
      cause: 'wrongCa',
      detail: /issued by CN=Another CA/,
    })
  })

  it('another authority of the same name', async () => {
    put('twin', await make({ cn: 'Verify Test CA', ca: true }))
    const ran = await verify(uri(oneWay.port), '--ca', at('twin.pem'))
    told(ran, { level: 'fail', what: 'server chain', cause: 'wrongCa' })
  })

  it('expired, on either side', async () => {
    await using old = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], fromDays: -20, toDays: -3 }),
    )
    const ran = await verify(uri(old.port), ...CA)
    told(ran, {
      level: 'fail',
      what: 'server expiry',
      cause: 'expired',
      detail: /expired 3 days ago/,
      fix: /certs renew --server/,
    })
    told(ran, { level: 'ok', what: 'server chain' })
    assert.equal(old.calls(), 0, 'a call went to a server that does not verify')
    const late = await client('late', { fromDays: -20, toDays: -3 })
    told(await verify(uri(mutual.port), ...CA, ...late), {
      level: 'fail',
      what: 'client',
      cause: 'expired',
      detail: /expired 3 days ago/,
      fix: /certs renew --client/,
    })
  })

  it('not yet valid, on either side', async () => {
    await using early = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], fromDays: 3, toDays: 30 }),
    )
    told(await verify(uri(early.port), ...CA), {
      level: 'fail',
      what: 'server expiry',
      cause: 'notYetValid',
      fix: /clocks/,
    })
    const young = await client('young', { fromDays: 3, toDays: 30 })
    told(await verify(uri(mutual.port), ...CA, ...young), {
      level: 'fail',
      what: 'client',
      cause: 'notYetValid',
      fix: /clocks/,
    })
  })

  it('an expired authority', async () => {
    const dead = await make({ cn: 'Dead CA', ca: true, fromDays: -30, toDays: -1 })
    put('dead', dead)
    await using served = await servedBy(await make({ cn: 'server', by: dead, usages: ['serverAuth'] }))
    told(await verify(uri(served.port), '--ca', at('dead.pem')), {
      level: 'fail',
      what: 'server chain',
      cause: 'expired',
      detail: /Dead CA is out of date/,
    })
  })

  it('a client certificate for serverAuth only', async () => {
    const page = await client('page', { usages: ['serverAuth'] })
    told(await verify(uri(mutual.port), ...CA, ...page), {
      level: 'fail',
      what: 'client',
      cause: 'serverAuthOnly',
      detail: /allows serverAuth only, clientAuth needed/,
      fix: /certs renew --client --dir \S+ {2}\(files made by the Milvus documentation's gen\.sh have this fault\)/,
    })
  })

  it('a server certificate for clientAuth only, a weak one, one without names', async () => {
    await using wrong = await servedBy(await make({ cn: 'server', by: ca, usages: ['clientAuth'] }))
    told(await verify(uri(wrong.port), ...CA), {
      level: 'fail',
      what: 'server usage',
      cause: 'purpose',
      detail: /serverAuth/,
    })
    await using bare = await servedBy(await make({ cn: 'localhost', by: ca, usages: ['serverAuth'], names: [] }))
    told(await verify(uri(bare.port), ...CA), { level: 'fail', what: 'server name', cause: 'noNames' })
  })

  it('a name that the certificate does not carry', async () => {
    await using named = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], names: ['db.example'] }),
    )
    const ran = await verify(uri(named.port), ...CA)
    told(ran, {
      level: 'fail',
      what: 'server name',
      cause: 'nameMismatch',
      detail: /localhost is not in .* names db\.example/,
      fix: /--server-name db\.example/,
    })
    told(ran, { level: 'ok', what: 'server chain' })
    told(await verify(uri(named.port), ...CA, '--server-name', 'db.example'), { level: 'ok', what: 'server name' })
  })

  it('an address as server name', async () => {
    await using named = await servedBy(
      await make({ cn: 'server', by: ca, usages: ['serverAuth'], names: ['localhost'] }),
    )
    told(await verify(uri(named.port, '127.0.0.1'), ...CA), {
      level: 'fail',
      what: 'server name',
      cause: 'addressAsName',
      fix: /--server-name localhost.*certs renew --server 127\.0\.0\.1/,
    })
    told(await verify(uri(named.port, '127.0.0.1'), ...CA, '--server-name', 'localhost'), {
      level: 'ok',
      what: 'server name',
    })
    told(await verify(uri(oneWay.port, '127.0.0.1'), ...CA), { level: 'ok', what: 'server name' })
  })

  it('the leaf as root: works in pymilvus, Go and curl, not in Node', async () => {
    const ran = await verify(uri(oneWay.port), '--ca', at('leaf.pem'))
    told(ran, {
      level: 'warn',
      what: 'server chain',
      cause: 'leafAsRoot',
      detail: /works in pymilvus, Go and curl, but not in Node/,
      fix: /ca\.pem/,
    })
    told(ran, { level: 'ok', what: 'grpc' })
    const made = await make({ cn: 'n', by: ca, usages: ['serverAuth'], names: ['db.example'] })
    put('named', made)
    await using named = await servedBy(made)
    const both = await verify(uri(named.port), '--ca', at('named.pem'))
    told(both, { level: 'warn', what: 'server chain', cause: 'leafAsRoot' })
    told(both, { level: 'fail', what: 'server name', cause: 'nameMismatch' })
  })

  it('an intermediate that the server does not send', async () => {
    const sub = await make({ cn: 'Verify Intermediate', by: ca, ca: true })
    const made = await make({ cn: 'server', by: sub, usages: ['serverAuth'] })
    await using alone = await servedBy(made)
    told(await verify(uri(alone.port), ...CA), {
      level: 'fail',
      what: 'server chain',
      cause: 'incompleteChain',
      fix: /tls\.serverPemPath/,
    })
    await using whole = await servedBy({ ...made, pem: made.pem + sub.pem })
    told(await verify(uri(whole.port), ...CA), { level: 'ok', what: 'server chain', detail: /2 certificates sent/ })
  })

  it('an old protocol, alone and besides', async () => {
    const options = { cert: server.pem, key: server.key, ciphers: 'ALL:@SECLEVEL=0' }
    const old = createTls({ ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
      .listen(0)
      .unref()
    old.on('tlsClientError', (_, socket) => socket.destroy())
    await once(old, 'listening')
    try {
      const { port } = old.address() as AddressInfo
      told(await verify(uri(port), ...CA), {
        level: 'fail',
        what: 'handshake',
        cause: 'oldProtocol',
        detail: /speaks TLS 1\.1 at most/,
      })
    } finally {
      old.close()
    }
    await using both = await faulty({ ...options, minVersion: 'TLSv1' })
    told(await verify(uri(both.port), ...CA), {
      level: 'fail',
      what: 'old protocols',
      cause: 'oldProtocol',
      detail: /TLS 1\.0 and TLS 1\.1 accepted/,
    })
  })

  it('a server that speaks no h2, no TLS at all, or nothing', async () => {
    for (const ALPNProtocols of [['http/1.1'], undefined]) {
      const alpn = ALPNProtocols === undefined ? {} : { ALPNProtocols }
      const web = createTls({ cert: server.pem, key: server.key, ...alpn })
        .listen(0)
        .unref()
      web.on('tlsClientError', (_, socket) => socket.destroy())
      web.on('secureConnection', (socket) => socket.on('error', () => {}).once('data', () => socket.destroy()))
      await once(web, 'listening')
      told(await verify(uri((web.address() as AddressInfo).port), ...CA), { level: 'fail', cause: 'noAlpn' })
      web.close()
    }
    const deaf = createTcp((socket) => socket.on('error', () => {}))
      .listen(0)
      .unref()
    await once(deaf, 'listening')
    const noise = createTcp((socket) => socket.on('error', () => {}).end('220 mail\r\n'))
      .listen(0)
      .unref()
    await once(noise, 'listening')
    try {
      const port = (listener: typeof deaf) => (listener.address() as AddressInfo).port
      told(await verify(uri(port(deaf)), ...CA, '--timeout', '0.2'), {
        level: 'fail',
        what: 'handshake',
        cause: 'noAnswer',
      })
      told(await verify(uri(port(noise)), ...CA), { level: 'fail', what: 'handshake', cause: 'notTls' })
    } finally {
      deaf.close()
      noise.close()
    }
  })

  it('a stranger who is admitted: the server asks for a certificate, and takes any', async () => {
    const asks = { ca: ca.pem, requestCert: true, rejectUnauthorized: false }
    await using open = await servedBy(server, asks, (socket) => socket.getPeerX509Certificate() !== undefined)
    const ran = await verify(uri(open.port), ...CA, ...pairOf('client'))
    told(ran, { level: 'ok', what: 'no-client probe' })
    told(ran, { level: 'fail', what: 'stranger probe', cause: 'strangerAdmitted', fix: /tls\.caPemPath/ })
  })

  it('a port that takes TLS and plaintext', async () => {
    await using served = await servedBy(server)
    const both = createTcp((socket) => {
      socket.on('error', () => {})
      socket.once('data', (head) => {
        const isTls = head[0] === 0x16
        const up = connect(isTls ? served.port : plain.port, 'localhost')
        up.on('error', () => {})
        up.write(head)
        socket.pipe(up).pipe(socket)
      })
    })
      .listen(0)
      .unref()
    await once(both, 'listening')
    try {
      const ran = await verify(uri((both.address() as AddressInfo).port), ...CA)
      told(ran, { level: 'fail', what: 'plaintext probe', cause: 'plaintextAnswered' })
    } finally {
      both.close()
    }
  })

  it('a client that is revoked, in the words of a server that explains', async () => {
    const gone = await client('gone')
    const list = at('deny.txt')
    const [, certPath = ''] = gone
    for (const args of [
      ['deny', '--init', '--list', list],
      ['deny', certPath, '--list', list],
    ]) {
      assert.equal((await redkite(['tls', ...args])).exitCode, EXIT.ok)
    }
    const keys = ['--set', `redkite.tls.denyListPath=${list}`]
    const tls = ['--tls', 'mutual', '--tls-dir', at('tls')]
    await using silent = await startRedkite({ args: [...tls, ...keys] })
    const ran = await verify(uri(silent.port), ...CA, ...gone)
    told(ran, { level: 'fail', what: 'client', cause: 'clientRefused', fix: /log of the server/ })
    told(await verify(uri(silent.port), ...CA, ...pairOf('client')), { level: 'ok', what: 'client' })
    await using telling = await startRedkite({ args: [...tls, ...keys, '--set', 'redkite.tls.explain=true'] })
    told(await verify(uri(telling.port), ...CA, ...gone), {
      level: 'fail',
      what: 'client',
      cause: 'revoked',
      detail: /the server says/,
    })
    const proven = await verify(uri(telling.port), ...CA, ...pairOf('client'))
    told(proven, {
      level: 'ok',
      what: 'no-client probe',
      detail: /the server says: tls: client didn't provide|certificate required/,
    })
    told(proven, { level: 'ok', what: 'stranger probe', detail: /the server says: .*unknown authority/ })
  })

  it('a chain through an intermediate, both usages, no usage: all are admitted', async () => {
    const sub = await make({ cn: 'Client Intermediate', by: ca, ca: true })
    const below = await make({ cn: 'below', by: sub, usages: ['clientAuth'] })
    put('below', { ...below, pem: below.pem + sub.pem })
    const bare = await make({ cn: 'bare', by: ca })
    put('bare', bare)
    await client('two', { usages: ['serverAuth', 'clientAuth'] })
    for (const name of ['below', 'bare', 'two']) {
      told(await verify(uri(mutual.port), ...CA, ...pairOf(name)), {
        level: 'ok',
        what: 'client',
        detail: /is admitted/,
      })
    }
  })

  it('a weak client certificate, which is not even sent', async () => {
    const weak = await client('weak', { keyKind: 'rsa1024' })
    const ran = await verify(uri(mutual.port), ...CA, ...weak)
    told(ran, { level: 'fail', what: 'client pair', cause: 'weak', detail: /1024 bits/ })
    told(ran, { level: 'skip', what: 'handshake' })
  })

  it('serverAuth only and another authority: the authority is named', async () => {
    const attacker = await client('attacker', { by: otherCa, usages: ['serverAuth'] })
    told(await verify(uri(mutual.port), ...CA, ...attacker), { level: 'fail', what: 'client', cause: 'wrongCa' })
  })

  it('a client certificate that nobody made for this key, an encrypted key, no PEM, no file', async () => {
    const target = uri(mutual.port)
    const mixed = await verify(target, ...CA, '--cert', at('client.pem'), '--key', at('leaf.key'))
    told(mixed, {
      level: 'fail',
      what: 'client pair',
      cause: 'keyMismatch',
      detail: /leaf\.key is not the key of \S+client\.pem/,
      fix: /certs renew --client/,
    })
    writeFileSync(at('noise.pem'), 'nothing\n')
    told(await verify(target, '--ca', at('noise.pem')), {
      level: 'fail',
      what: 'CA file',
      cause: 'badFile',
      detail: /noise\.pem/,
    })
    told(await verify(target, ...CA, '--cert', at('client.key'), '--key', at('client.pem')), {
      level: 'fail',
      what: 'client certificate',
      cause: 'badFile',
      fix: /swapped/,
    })
    told(await verify(target, '--ca', at('absent.pem')), {
      level: 'fail',
      what: 'CA file',
      cause: 'badFile',
      detail: /absent\.pem/,
    })
  })

  it('an encrypted key', { skip: openssl.skip }, async () => {
    await runOpenssl(
      root.path,
      `pkcs8 -topk8 -in ${at('client.key')} -out ${at('locked.key')} -passout pass:canary-phrase`,
    )
    const ran = await verify(uri(mutual.port), ...CA, '--cert', at('client.pem'), '--key', at('locked.key'))
    told(ran, { level: 'fail', what: 'client key', cause: 'encryptedKey', detail: /locked\.key/, fix: /openssl pkey/ })
  })
})

describe('redkite verify reads expiry as a share of life: ', () => {
  const cases = [
    { toDays: 20, fromDays: -10, level: 'ok' },
    { toDays: 5, fromDays: -20, level: 'warn' },
    { toDays: 1, fromDays: -20, level: 'fail' },
  ] as const
  for (const { toDays, fromDays, level } of cases) {
    it(`${toDays} days left of ${toDays - fromDays}: ${level}`, async () => {
      await using served = await servedBy(
        await make({ cn: 'server', by: ca, usages: ['serverAuth'], fromDays, toDays }),
      )
      told(await verify(uri(served.port), ...CA), { what: 'server expiry', level })
    })
  }
})
