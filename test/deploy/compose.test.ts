/** The compose files, read by docker-compose itself: ours, a rendered one, and the page's block with our image. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { PAGE_COMPOSE } from '../support/page-manifests.ts'
import { redkite, temporary } from '../support/server.ts'
import { run } from '../support/tools.ts'
import { compose, root } from './support.ts'

const ours = join(root, 'deploy/compose/docker-compose.yml')

interface Service {
  readonly command: readonly string[]
  readonly image: string
  readonly volumes: readonly string[]
  readonly ports: readonly unknown[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
}

async function resolved(directory: string): Promise<Service> {
  const result = await run(compose.path, ['-f', join(directory, 'docker-compose.yml'), 'config'], { cwd: directory })
  assert.equal(result.exitCode, 0, result.stderr)
  const { services } = parse(result.stdout) as { services: Record<string, Service> }
  const service = services['standalone']
  assert.ok(service)
  return service
}

describe('compose', { skip: compose.skip }, () => {
  it('ours parses: read-only, without capabilities but the entry’s, metrics for this machine only', async () => {
    const service = await resolved(join(root, 'deploy/compose'))
    assert.equal(service.read_only, true)
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.deepEqual(service.cap_add, ['CHOWN', 'DAC_OVERRIDE', 'SETGID', 'SETUID', 'SETPCAP'])
    assert.ok(service.volumes.some((volume) => volume.endsWith('/tls:/milvus/tls:ro')))
    assert.match(JSON.stringify(service.ports), /127\.0\.0\.1:9091:9091/)
  })

  it('the block of the Milvus page parses with our image in it', async () => {
    using place = temporary()
    writeFileSync(join(place.path, 'docker-compose.yml'), PAGE_COMPOSE)
    const service = await resolved(place.path)
    assert.deepEqual(service.command, ['milvus', 'run', 'standalone'])
    assert.ok(service.volumes.includes(`${place.path}/tls:/milvus/tls:rw`))
  })

  it('a rendered one parses, and publishes the ports of the configuration', async () => {
    using place = temporary()
    mkdirSync(join(place.path, 'tls'))
    writeFileSync(
      join(place.path, 'milvus.yaml'),
      'proxy: {port: 29530, http: {port: 28080}}\ncommon: {MetricsPort: 29091, security: {tlsMode: 2}}\n' +
        'tls: {serverPemPath: tls/server.pem, serverKeyPath: tls/server.key, caPemPath: tls/ca.pem}\n',
    )
    const options = { cwd: place.path }
    const rendered = await redkite(['config', 'render', 'compose', '--config', 'milvus.yaml', '--out', 'out'], options)
    assert.equal(rendered.exitCode, 0, rendered.stderr)
    const service = await resolved(join(place.path, 'out'))
    const ports = JSON.stringify(service.ports)
    for (const port of ['29530', '28080', '127.0.0.1:29091']) assert.match(ports, new RegExp(port))
  })

  it('a wrong key is refused', async () => {
    using place = temporary()
    const broken = readFileSync(ours, 'utf8').replace('read_only: true', 'read_olny: true')
    writeFileSync(join(place.path, 'docker-compose.yml'), broken)
    const result = await run(compose.path, ['-f', 'docker-compose.yml', 'config'], { cwd: place.path })
    assert.notEqual(result.exitCode, 0)
    assert.match(result.stderr, /read_olny/)
  })
})

describe('the milvus.yaml beside it', () => {
  it('is a configuration without findings, in mutual mode, strict about keys', () => {
    const file = join(root, 'deploy/compose/milvus.yaml')
    const { config, findings } = loadConfig({ configFile: file, environment: {}, cwd: '/milvus' })
    assert.deepEqual(findings, [])
    assert.equal(config.tls.mode.kind, 'mutual')
    assert.equal(config.tls.strictKeyPermissions, true)
    assert.equal(config.proxy.http.port, 8080)
  })
})
