/** `redkite config render` and `config files`: what is written means the same when it is read. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { keyTable } from '../../src/config/schema.ts'
import { redkite, temporary } from '../support/server.ts'

/** Where the rendered configuration stands, by form. */
const FILES = { compose: 'milvus.yaml', helm: 'values.yaml', operator: 'redkite.yaml', systemd: 'milvus.yaml' } as const
const PLATFORM = ['redkite.dataDir', 'redkite.host', 'redkite.metricsHost']

const CONFIGURATIONS: Readonly<Record<string, { readonly file?: string; readonly flags: readonly string[] }>> = {
  'plaintext, nothing but defaults': { flags: [] },
  'mutual TLS by flags': { flags: ['--tls', 'mutual', '--tls-dir', 'tls', '--http-port', '8081', '--port', '19531'] },
  'a file of every kind of value': {
    file: [
      'proxy: {port: 29530, http: {port: 28080, readHeaderTimeout: 7s, enableHSTS: true}, maxUserNum: 7}',
      'common: {MetricsPort: 29091, security: {tlsMode: 1, authorizationEnabled: true, superUsers: "a,b"}}',
      'tls: {serverPemPath: "/etc/my certs/tls.crt", serverKeyPath: "/etc/my certs/tls.key"}',
      'log: {level: debug, format: json}',
      'redkite: {tls: {strictKeyPermissions: true, reloadIntervalMs: 0}, host: 10.0.0.5}',
      '',
    ].join('\n'),
    flags: ['--config', 'milvus.yaml', '--data', '/elsewhere'],
  },
}

/** The values that a file gives, apart from the platform's and from where they stand. */
function values(input: Parameters<typeof loadConfig>[0]): readonly string[] {
  const { effective } = loadConfig({ environment: {}, ...input })
  return effective
    .filter(({ key }) => !PLATFORM.includes(key) && keyTable[key].type.name !== 'secret')
    .map(({ key, value }) => `${key}=${String(value)}`)
}

describe('redkite config render', () => {
  for (const [name, { file, flags }] of Object.entries(CONFIGURATIONS)) {
    for (const [form, rendered] of Object.entries(FILES)) {
      it(`${form} of ${name} is read back with the same values`, async () => {
        using place = temporary()
        mkdirSync(join(place.path, 'tls'))
        for (const part of ['server.pem', 'server.key', 'ca.pem']) writeFileSync(join(place.path, 'tls', part), '')
        if (file !== undefined) writeFileSync(join(place.path, 'milvus.yaml'), file)
        const run = await redkite(['config', 'render', form, ...flags, '--out', 'out'], { cwd: place.path })
        assert.equal(run.exitCode, 0, run.stderr)
        const [before, after] = [
          await shown(['config', 'show', '-o', 'json', ...flags], place.path),
          values({ configFile: join('out', rendered), cwd: place.path }),
        ]
        assert.deepEqual(after, before)
        const check = await redkite(['config', 'check', join('out', rendered)], { cwd: place.path })
        assert.equal(check.exitCode, 0, check.stdout)
        assert.match(check.stdout, /0 errors, 0 warnings/)
      })
    }
  }

  it('names secrets and never writes them', async () => {
    for (const form of Object.keys(FILES)) {
      const run = await redkite(['config', 'render', form], {
        env: { COMMON_SECURITY_DEFAULTROOTPASSWORD: 'canary-1' },
      })
      assert.doesNotMatch(run.stdout + run.stderr, /canary-1/)
      assert.match(run.stderr, /defaultRootPassword is a secret and not written: set \w+_FILE/)
    }
  })

  it('mounts whole directories, where the paths say', async () => {
    const flags = ['--tls', 'one-way', '--set', 'tls.serverPemPath=certs/a.pem', '--set', 'tls.serverKeyPath=/k/a.key']
    const { stdout } = await redkite(['config', 'render', 'compose', ...flags])
    assert.match(stdout, / - \.\/certs:\/milvus\/certs:ro\n\s+- \/k:\/k:ro\n/)
    const resource = await redkite(['config', 'render', 'operator', ...flags])
    assert.match(resource.stdout, /mountPath: \/milvus\/certs\n/)
    assert.match(resource.stdout, /defaultMode: 288\n/)
  })

  it('starts a proxy where an upstream is named, and mounts what is read besides', async () => {
    const settings = [
      'redkite.upstream.uri=https://m:19530',
      'redkite.upstream.caPemPath=up/ca.pem',
      'redkite.tls.crlPath=crls/x',
    ]
    const tls = ['tls.serverPemPath=tls/a.pem', 'tls.serverKeyPath=tls/a.key', 'redkite.audit.path=/var/log/rk/a.log']
    const flags = ['--tls', 'one-way', ...[...settings, ...tls].flatMap((setting) => ['--set', setting])]
    const compose = await redkite(['config', 'render', 'compose', ...flags])
    assert.match(compose.stdout, /- milvus\n\s+- run\n\s+- proxy\n/)
    for (const directory of ['tls', 'up', 'crls'])
      assert.ok(compose.stdout.includes(`./${directory}:/milvus/${directory}:ro`))
    assert.match(
      compose.stderr,
      /redkite\.audit\.path writes into \/var\/log\/rk: in a container, mount a volume there/,
    )
    for (const [form, text] of [
      ['operator', /standalone servers/],
      ['systemd', /not redkite\.tls\.crlPath, redkite\.upstream\.caPemPath/],
    ] as const) {
      const refused = await redkite(['config', 'render', form, ...flags])
      assert.equal(refused.exitCode, 64)
      assert.match(refused.stderr, text)
    }
  })

  it('refuses what cannot be rendered, and never overwrites', async () => {
    const auto = await redkite(['config', 'render', 'compose', '--auto-tls'])
    assert.equal(auto.exitCode, 64)
    assert.match(auto.stderr, /certs create --dir tls/)
    assert.equal((await redkite(['config', 'render', 'compose', '--port', '0'])).exitCode, 64)
    const bare = ['--tls', 'one-way', '--set', 'tls.serverPemPath=a.pem', '--set', 'tls.serverKeyPath=a.key']
    assert.match((await redkite(['config', 'render', 'helm', ...bare])).stderr, /directory of their own/)
    using place = temporary()
    writeFileSync(join(place.path, 'values.yaml'), 'mine\n')
    const over = await redkite(['config', 'render', 'helm', '--out', place.path])
    assert.equal(over.exitCode, 73)
    assert.equal(readFileSync(join(place.path, 'values.yaml'), 'utf8'), 'mine\n')
    assert.deepEqual(readdirSync(place.path), ['values.yaml'])
  })
})

describe('redkite config files', () => {
  it('lists what a server would use, as far as its mode reads it', async () => {
    using place = temporary()
    writeFileSync(join(place.path, 'key'), '')
    chmodSync(join(place.path, 'key'), 0o600)
    const settings = ['tls.serverPemPath=none', 'tls.serverKeyPath=key', 'tls.caPemPath=ca']
    const flags = ['standalone', '--ready-file', 'x', ...settings.flatMap((setting) => ['--set', setting])]
    const run = await redkite(['config', 'files', '--tls', 'one-way', ...flags], { cwd: place.path })
    const [uid, gid] = [process.getuid?.(), process.getgid?.()]
    assert.deepEqual(run.stdout.split('\n'), [
      `read\ttls.serverPemPath\t-\t-\t-\t${place.path}/none`,
      `read\ttls.serverKeyPath\t${uid}\t${gid}\t0600\t${place.path}/key`,
      `write\tredkite.dataDir\t-\t-\t-\t${place.path}/redkite-data`,
      '',
    ])
    const mutual = await redkite(['config', 'files', '--tls', 'mutual', ...flags], { cwd: place.path })
    assert.match(mutual.stdout, /tls\.caPemPath/)
  })
})

/** What `config show` says in a directory, as `values` says it. */
async function shown(args: readonly string[], cwd: string): Promise<readonly string[]> {
  const { stdout } = await redkite(args, { cwd })
  const said: { values: { key: string; value: string }[] } = JSON.parse(stdout)
  const byKey = new Map(said.values.map(({ key, value }) => [key, value]))
  return values({ cwd }).map((pair) => {
    const key = pair.split('=')[0] ?? ''
    return `${key}=${byKey.get(key) ?? pair.slice(key.length + 1)}`
  })
}
