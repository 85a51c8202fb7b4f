/**
 * Property 6: who knows X25519MLKEM768 gets it, who does not is served classically by default, and is refused by that
 * reason where it is required. Clients: this Node, Go, and the machine's OpenSSL. The server's own side of each handshake
 * is in test/process/tls-policy.test.ts.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { visit } from '../support/tls-client.ts'
import { openssl, run } from '../support/tools.ts'
import { settings } from '../support/upstream.ts'
import { go } from './support/programs.ts'

const place = temporary()
let set: CertSet
let preferred: Served
let required: Served
before(async () => {
  set = await createSet(join(place.path, 'tls'))
  const start = (pq: string) =>
    startRedkite({
      args: ['--tls', 'one-way', '--tls-dir', set.dir, '--http-port', '0', ...settings({ 'redkite.tls.pq': pq })],
    })
  ;[preferred, required] = [await start('prefer'), await start('require')]
})
after(async () => {
  await preferred?.[Symbol.asyncDispose]()
  await required?.[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

const portsOf = (one: Served) => [one.port, one.restPort]

async function refusals(listener: string): Promise<number> {
  const text = await (await fetch(`${required.ready.metrics}/metrics`)).text()
  const label = `redkite_tls_handshakes_total\\{listener="${listener}",result="refused",reason="classicalGroup"[^}]*\\} (\\d+)`
  return Number(new RegExp(label).exec(text)?.[1] ?? '0')
}

/** Runs a client that must be refused on both ports, and asserts that it is for its groups. */
async function refusedForItsGroups(client: (port: number) => Promise<unknown>): Promise<void> {
  for (const [listener, port] of [
    ['proxy', required.port],
    ['rest', required.restPort],
  ] as const) {
    const counted = await refusals(listener)
    await assert.rejects(client(port))
    assert.equal(await refusals(listener), counted + 1, listener)
    await required.logged(
      new RegExp(`\\[listener=${listener}\\].*\\[reason=classicalGroup\\].*classical key-exchange groups only`),
    )
  }
}

const node = (ecdhCurve: string) => (port: number) => visit(port, { ca: readFileSync(set.ca), ecdhCurve })

describe('Node', () => {
  it('agrees on the hybrid by preference and by requirement, on X25519 where that is all it knows', async () => {
    for (const port of [...portsOf(preferred), ...portsOf(required)]) {
      assert.equal((await node('X25519:X25519MLKEM768')(port)).group, 'X25519MLKEM768')
    }
    for (const port of portsOf(preferred)) assert.equal((await node('X25519')(port)).group, 'X25519')
  })
  it('with classical groups only is refused by that reason where the hybrid is required', () =>
    refusedForItsGroups(node('X25519:P-256')))
})

const CLIENT = `package main

import ("crypto/tls"; "crypto/x509"; "fmt"; "os")

func main() {
	pool := x509.NewCertPool()
	ca, _ := os.ReadFile(os.Args[1])
	pool.AppendCertsFromPEM(ca)
	config := &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"h2"}}
	if os.Args[3] == "classical" { config.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256} }
	conn, err := tls.Dial("tcp", "127.0.0.1:" + os.Args[2], config)
	if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
	fmt.Println(uint16(conn.ConnectionState().CurveID))
}
`

describe('Go', { skip: go.skip || isOldGo() }, () => {
  const HYBRID = '4588'
  const X25519 = '29'
  let program = ''
  before(async () => {
    writeFileSync(join(place.path, 'client.go'), CLIENT)
    program = join(place.path, 'client')
    // Go takes its defaults from the version that a module names.
    writeFileSync(join(place.path, 'go.mod'), 'module client\n\ngo 1.24\n')
    const env = { GOTOOLCHAIN: 'local', GOFLAGS: '' }
    const built = await run(go.path, ['build', '-o', program, '.'], { env, cwd: place.path })
    assert.equal(built.exitCode, 0, built.stderr)
  })
  async function group(port: number, kind: string): Promise<string> {
    const { exitCode, stdout, stderr } = await run(program, [set.ca, String(port), kind])
    if (exitCode !== 0) throw new Error(stderr)
    return stdout.trim()
  }
  it('agrees on the hybrid as it comes, on X25519 where that is all it may', async () => {
    for (const port of [...portsOf(preferred), ...portsOf(required)]) assert.equal(await group(port, 'default'), HYBRID)
    for (const port of portsOf(preferred)) assert.equal(await group(port, 'classical'), X25519)
  })
  it('with classical groups only is refused by that reason', () =>
    refusedForItsGroups((port) => group(port, 'classical')))
})

/** The hybrid is in crypto/tls since 1.24. */
function isOldGo(): string | false {
  const [, minor = '0'] = /go1\.(\d+)/.exec(spawnSync(go.path, ['version'], { encoding: 'utf8' }).stdout) ?? []
  return Number(minor) < 24 && `Go 1.${minor} does not know X25519MLKEM768 (1.24 does)`
}

describe('openssl', { skip: openssl.skip }, () => {
  const client = async (port: number) => {
    const args = [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'localhost',
      '-CAfile',
      set.ca,
      '-groups',
      'X25519:P-256',
      '-alpn',
      'h2',
    ]
    const { stdout, stderr } = await run(openssl.path, args, { input: 'Q\n' })
    if (!/New, TLSv1\.3/.test(stdout)) throw new Error(stderr)
    return /Server Temp Key: (\w+)/.exec(stdout)?.[1]
  }
  it('with X25519 and P-256 is served by default, and refused by that reason where the hybrid is required', async () => {
    for (const port of portsOf(preferred)) assert.equal(await client(port), 'X25519')
    await refusedForItsGroups(client)
  })
})
