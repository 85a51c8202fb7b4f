/** The units: verified and scored by systemd itself, and the same as what `config render systemd` writes. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { main, otherUser, redkite, startRedkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { type Ran, run } from '../support/tools.ts'
import { root, systemd } from './support.ts'

const UNITS = join(root, 'deploy/systemd')
const EXPOSURE_MAX = 3
const PATHS = ['tls.serverPemPath=/etc/redkite/tls/server.pem', 'tls.serverKeyPath=/etc/redkite/tls/server.key']

/** The unit with a program that is installed here; `edit` may break it. */
async function verify(edit: (unit: string) => string = (unit) => unit): Promise<Ran & { readonly unit: string }> {
  const place = temporary()
  const unit = join(place.path, 'redkite.service')
  writeFileSync(unit, edit(readFileSync(join(UNITS, 'redkite.service'), 'utf8')).replace('/usr/bin/redkite', main))
  for (const name of ['redkite-tls.path', 'redkite-tls.service'])
    copyFileSync(join(UNITS, name), join(place.path, name))
  const paths = ['redkite.service', 'redkite-tls.path', 'redkite-tls.service'].map((name) => join(place.path, name))
  const ran = await run(systemd.path, ['verify', '--man=no', ...paths])
  const scored = await run(systemd.path, ['security', '--offline=true', `--threshold=${EXPOSURE_MAX * 10}`, unit])
  place[Symbol.dispose]()
  return {
    exitCode: ran.exitCode === 0 ? scored.exitCode : ran.exitCode,
    stdout: scored.stdout,
    stderr: ran.stderr,
    unit,
  }
}

describe('the systemd units', () => {
  it(`are valid, and the service is exposed by ${EXPOSURE_MAX} at most`, { skip: systemd.skip }, async () => {
    const { exitCode, stderr, stdout } = await verify()
    assert.equal(stderr, '')
    assert.equal(exitCode, 0, stdout)
  })

  it('a broken unit and a weakened one are seen', { skip: systemd.skip }, async () => {
    const broken = await verify((unit) => unit.replace('ProtectClock=yes', 'ProtectClocks=yes'))
    assert.match(broken.stderr, /ProtectClocks/)
    const weak = (unit: string) =>
      unit.replace(/^(Protect|Private|Restrict|Capab|NoNew|System).*$\n/gm, '').replace('DynamicUser=yes\n', '')
    assert.notEqual((await verify(weak)).exitCode, 0)
  })

  it('are what config render systemd writes', async () => {
    const settings = [...PATHS, 'tls.caPemPath=/etc/redkite/tls/ca.pem'].flatMap((setting) => ['--set', setting])
    using place = temporary()
    const args = ['config', 'render', 'systemd', '--tls', 'mutual', '--out', place.path, ...settings]
    assert.equal((await redkite(args)).exitCode, 0)
    const shipped = readFileSync(join(UNITS, 'redkite.service'), 'utf8')
    assert.equal(shipped.slice(shipped.indexOf('[Unit]')), readFileSync(join(place.path, 'redkite.service'), 'utf8'))
    assert.equal(
      readFileSync(join(UNITS, 'milvus.yaml'), 'utf8'),
      readFileSync(join(place.path, 'milvus.yaml'), 'utf8'),
    )
  })

  it('the milvus.yaml beside them is a configuration without findings', () => {
    const { config, findings } = loadConfig({ configFile: join(UNITS, 'milvus.yaml'), environment: {} })
    assert.deepEqual(findings, [])
    assert.equal(config.tls.mode.kind, 'mutual')
  })

  it('its lines hand root’s keys over at the start and at a reload, to a strict server', {
    skip: otherUser().skip,
  }, async () => {
    using place = temporary()
    chmodSync(place.path, 0o755)
    const { uid } = otherUser()
    const [etc, run] = [join(place.path, 'etc'), join(place.path, 'run')]
    await createSet(join(etc, 'tls'))
    mkdirSync(run, { mode: 0o700 })
    chownSync(run, uid, 0)
    const unit = readFileSync(join(UNITS, 'redkite.service'), 'utf8')
    const does = (directive: string) => {
      const lines = [...unit.matchAll(new RegExp(`^${directive}=\\+(.*)$`, 'gm'))].map((match) => match[1] ?? '')
      assert.ok(lines.length >= 3)
      for (const line of lines) {
        const here = line
          .replaceAll('/etc/redkite', etc)
          .replaceAll('/run/redkite', run)
          .replace('-o redkite', `-o ${uid}`)
        const ran = spawnSync('sh', ['-c', here], { encoding: 'utf8' })
        assert.equal(ran.status, 0, ran.stderr)
      }
    }
    does('ExecStartPre')
    const args = ['--tls', 'mutual', '--tls-dir', join(run, 'tls'), '--set', 'redkite.tls.reloadIntervalMs=0']
    const env = { REDKITE_TLS_STRICTKEYPERMISSIONS: 'true' }
    await using served = await startRedkite({ args, env, uid })
    assert.equal((await redkite(['certs', 'renew', '--dir', join(etc, 'tls')])).exitCode, 0)
    does('ExecReload')
    served.process.kill('SIGHUP')
    await served.logged(/tls material reloaded.*\[generation=2\]/)
    assert.equal(statSync(join(etc, 'tls/server.key')).mode & 0o777, 0o600)
  })
})
