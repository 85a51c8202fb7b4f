/** What package.json, the lock file and docs/dependencies.md say of dependencies agrees, and names no host. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

interface Manifest {
  readonly allowScripts: Readonly<Record<string, boolean>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly resolved?: string; readonly integrity?: string; readonly hasInstallScript?: boolean }>
  >
}

const manifest = JSON.parse(read('package.json')) as Manifest
const lock = JSON.parse(read('package-lock.json')) as Lock
const { dependencies, optionalDependencies, devDependencies } = manifest
const wanted = { ...dependencies, ...optionalDependencies, ...devDependencies }
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

describe('dependencies', () => {
  it('each has its line in docs/dependencies.md, and no line is left over', () => {
    const described = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map((row) => row[1])
    assert.deepEqual(described.toSorted(), Object.keys(wanted).toSorted())
  })

  it('have exact versions', () => {
    const loose = Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
    assert.deepEqual(loose, [])
  })

  it('with install scripts are named in allowScripts, and none is allowed', () => {
    const scripted = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript)
    assert.deepEqual(scripted.map(([path]) => nameOf(path)).toSorted(), Object.keys(manifest.allowScripts).toSorted())
    assert.deepEqual(Object.values(manifest.allowScripts).filter(Boolean), [])
  })

  it('are locked by hash and without a host, but for zvec’s builds for other platforms', () => {
    const entries = Object.entries(lock.packages).filter(([path]) => path !== '')
    assert.deepEqual(
      entries.filter(([, entry]) => entry.resolved !== undefined),
      [],
    )
    const unhashed = entries
      .filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
      .map(([path]) => nameOf(path))
    assert.deepEqual(
      unhashed.filter((name) => !name.startsWith('@zvec/bindings-')),
      [],
    )
  })

  it('that are optional below others are in the lock, so that npm ci accepts it', () => {
    const { optionalDependencies: builds } = lock.packages['node_modules/@zvec/zvec'] as Partial<Manifest>
    const missing = Object.keys(builds ?? {}).filter((name) => !(`node_modules/${name}` in lock.packages))
    assert.deepEqual(missing, [])
  })

  it('come from no registry that the repository names', {
    skip: !existsSync(`${root}.git`) && 'not a checkout',
  }, () => {
    const listed = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    assert.equal(listed.status, 0, listed.stderr)
    const hosts = new RegExp(
      ['registry\\.npm', 'npmjs', 'pypi', 'npmmirror'].map((host) => `${host}\\.[a-z]+`).join('|'),
    )
    const naming = listed.stdout
      .split('\0')
      .filter((path) => path !== '' && existsSync(`${root}${path}`))
      .filter((path) => hosts.test(read(path)))
    assert.deepEqual(naming, [])
  })
})
