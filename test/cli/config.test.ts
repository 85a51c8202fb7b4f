/** `redkite config` and the edges of the command line, as processes: what a person or a script sees. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const cwd = mkdtempSync(join(tmpdir(), 'redkite-cli-'))
after(() => rmSync(cwd, { recursive: true, force: true }))

interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number | null
}

/** Runs a command line in `cwd`, with no environment but what is given. */
function redkite(args: readonly string[], environment: Record<string, string> = {}, script = main): Promise<Outcome> {
  const child = spawn(process.execPath, [script, ...args], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ stdout, stderr, exitCode }))
  })
}

before(() => {
  writeFileSync(
    join(cwd, 'values.yaml'),
    [
      'extraConfigFiles:',
      '  user.yaml: |+',
      '    etcd:',
      '      endpoints: [etcd:2379]',
      '    common:',
      '      security:',
      '        tlsMode: 2',
      '        defaultRootPassword: hunter22',
      '      tls:',
      '        serverPemPath: /certs/server.pem',
      'volumes: []',
      '',
    ].join('\n'),
  )
  mkdirSync(join(cwd, 'configs'))
  writeFileSync(join(cwd, 'configs', 'milvus.yaml'), 'proxy:\n  port: 19531\n  http:\n    port: 8080\n')
})

describe('redkite config check', () => {
  it('explains a file with places and remedies, and ends with 1 where it has errors', async () => {
    const { stdout, stderr, exitCode } = await redkite(['config', 'check', 'values.yaml'])
    assert.equal(stderr, '')
    assert.equal(exitCode, 1)
    assert.equal(
      stdout,
      `accepted, no effect here: etcd.* (1)
values.yaml:7:9: error: tlsMode 2 needs tls.serverPemPath
  hint: common.tls.serverPemPath (values.yaml:10:9) is read by nothing: write it as tls.serverPemPath
values.yaml:7:9: error: tlsMode 2 needs tls.serverKeyPath
  hint: set tls.serverKeyPath; redkite certs create makes the files, --tls-dir names their directory, --auto-tls does both
values.yaml:7:9: error: tlsMode 2 needs tls.caPemPath
  hint: set tls.caPemPath; redkite certs create makes the files, --tls-dir names their directory, --auto-tls does both
values.yaml:10:9: warn: common.tls.serverPemPath is read by nothing
  hint: did you mean tls.serverPemPath?
values.yaml: Helm values: 3 errors, 1 warning
`.replace('accepted', 'info: accepted'),
    )
  })

  it('does not mix this machine into the judgement of a file', async () => {
    const environment = { PROXY_PORT: 'none', REDKITE_NOTHING: '1' }
    const { stdout, exitCode } = await redkite(['config', 'check', 'configs/milvus.yaml'], environment)
    assert.equal(stdout, 'configs/milvus.yaml: milvus.yaml: 0 errors, 0 warnings\n')
    assert.equal(exitCode, 0)
  })

  it('says so in JSON', async () => {
    const { stdout, exitCode } = await redkite(['config', 'check', 'values.yaml', '-o', 'json'])
    const report: { form: string; findings: readonly { severity: string; source: unknown }[] } = JSON.parse(stdout)
    assert.equal(report.form, 'Helm values')
    const error = report.findings.find(({ severity }) => severity === 'error')
    assert.deepEqual(error?.source, { kind: 'file', file: 'values.yaml', line: 7, column: 9 })
    assert.equal(exitCode, 1)
  })

  it('fails on a file that is not there', async () => {
    const { stdout, stderr, exitCode } = await redkite(['config', 'check', 'none.yaml'])
    assert.equal(stdout, '')
    assert.equal(stderr, 'redkite: cannot read the configuration file none.yaml: no such file\n')
    assert.equal(exitCode, 78)
  })
})

describe('redkite config show', () => {
  it('prints what differs from the defaults, with its source', async () => {
    const environment = { PROXY_HTTP_PORT: '8443', COMMON_SECURITY_DEFAULTROOTPASSWORD: 'hunter22' }
    const { stdout, stderr, exitCode } = await redkite(['config', 'show', '--changed', '--host', '::1'], environment)
    assert.equal(
      stdout,
      [
        `proxy.port                           19531  ${join('configs', 'milvus.yaml')}:2:3`,
        'redkite.host                         ::1    flag --host',
        'proxy.http.port                      8443   environment PROXY_HTTP_PORT',
        'common.security.defaultRootPassword  ***    environment COMMON_SECURITY_DEFAULTROOTPASSWORD',
        '',
      ].join('\n'),
    )
    assert.equal(stderr, '')
    assert.equal(exitCode, 0)
  })

  it('prints every value, and never a secret', async () => {
    const { stdout } = await redkite(['config', 'show', '-o', 'json', '--config', 'values.yaml'])
    const report: { values: readonly { key: string; value: string; source: string }[] } = JSON.parse(stdout)
    assert.ok(report.values.length > 40)
    assert.doesNotMatch(stdout, /hunter22/)
    assert.ok(report.values.some(({ key, value }) => key === 'log.level' && value === 'info'))
  })

  it('shows what it can of a configuration with errors, and ends with 78', async () => {
    const { stdout, stderr, exitCode } = await redkite([
      'config',
      'show',
      '--changed',
      '--set',
      'proxy.maxDimension=many',
    ])
    assert.match(stdout, /^proxy\.port +19531/)
    assert.match(
      stderr,
      /^flag --set: error: proxy\.maxDimension must be a whole number, 2 or more, not "many"\n {2}hint: /,
    )
    assert.equal(exitCode, 78)
  })
})

describe('the command line', () => {
  it('refuses a wrong tlsMode with the text of Milvus and exit code 78', async () => {
    const { stdout, stderr, exitCode } = await redkite(['run'], { COMMON_SECURITY_TLSMODE: 'two' })
    assert.equal(stdout, '')
    assert.match(
      stderr,
      /^redkite: environment COMMON_SECURITY_TLSMODE: tls mode must be 0: no authentication, 1: one way authentication or 2: two way authentication: common\.security\.tlsMode is "two"\nhint: /,
    )
    assert.equal(exitCode, 78)
  })

  it('suggests a command for a slip, and uses exit code 64 for wrong use', async () => {
    const slip = await redkite(['confg'])
    assert.match(slip.stderr, /unknown command 'confg'\n\(Did you mean config\?\)/)
    assert.equal(slip.exitCode, 64)
    assert.equal((await redkite(['run', '--prot', '1'])).exitCode, 64)
    assert.equal((await redkite(['run', '--tls', 'maybe'])).exitCode, 64)
    const role = await redkite(['run', 'querynode'])
    assert.match(
      role.stderr,
      /^redkite: role querynode: standalone and proxy are served here\nhint: redkite run standalone\n$/,
    )
    assert.equal(role.exitCode, 64)
  })

  it('prints help and version on stdout with exit code 0', async () => {
    const help = await redkite(['--help'])
    for (const word of ['run', 'config', 'certs', 'Examples:']) assert.ok(help.stdout.includes(word), word)
    assert.equal(help.exitCode, 0)
    const { stdout } = await redkite(['--version'])
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
    const run = await redkite(['run', '--help'])
    for (const flag of ['--config', '--data', '--tls-dir', '--auto-tls', '--ready-file', '--set']) {
      assert.ok(run.stdout.includes(flag), flag)
    }
  })

  it('answers to the name milvus', async () => {
    const alias = join(cwd, 'milvus')
    symlinkSync(main, alias)
    const { stdout } = await redkite(['--help'], {}, alias)
    assert.match(stdout, /^Usage: milvus /)
    assert.match(stdout, /\$ milvus run --auto-tls/)
  })
})
