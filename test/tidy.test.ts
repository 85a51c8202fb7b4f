/** The house checks itself: import arrows, single owners, file and function sizes. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { REDKITE_VERSION } from '../src/version.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const FILE_LINES_MAX = 300
const FUNCTION_LINES_MAX = 70

interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

function sources(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.ts') && !e.name.endsWith('.d.ts'))
    .map((e) => {
      const file = join(e.parentPath, e.name)
      const text = readFileSync(file, 'utf8')
      const specifiers = text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"\n]*?(?:from\s+)?['"]([^'"]+)['"]/g)
      const multiline = text.matchAll(/\}\s*from\s+['"]([^'"]+)['"]/g)
      const dynamic = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
      const raw = [...specifiers, ...multiline, ...dynamic].map((m) => m[1] ?? '')
      const imports = raw.map((s) =>
        s.startsWith('.')
          ? relative(root, join(file, '..', s))
              .split(sep)
              .join('/')
          : s,
      )
      return { path: relative(root, file).split(sep).join('/'), text, imports: [...new Set(imports)] }
    })
}

const all = sources('src').filter((s) => !s.path.startsWith('src/gen/'))
const code = all.filter((s) => !s.path.endsWith('.test.ts') && !s.path.includes('test-support'))
const folderOf = (path: string): string => path.split('/')[1]?.replace(/\.ts$/, '') ?? ''

/** What each folder may import from, besides itself. The order is the design's: down only. */
const below = ['errors', 'model', 'observe']
const arrows: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  model: ['errors'],
  observe: ['errors', 'model'],
  pki: ['errors'],
  config: [...below, 'tls/settings', 'tls/identity/rule', 'tls/identity/policy'],
  filter: ['errors', 'model', 'embedded/store/contract'],
  engine: below,
  sqlite: below,
  catalog: [...below, 'sqlite'],
  tls: [...below, 'pki'],
  probe: [...below, 'tls', 'pki', 'service'],
  service: ['model', 'errors'],
  embedded: [...below, 'sqlite', 'service', 'catalog', 'filter', 'engine'],
  upstream: [...below, 'service', 'tls', 'config'],
  auth: [...below, 'service', 'ops/op'],
  ops: [...below, 'auth/authority', 'service', 'gen'],
  protocol: [...below, 'ops', 'auth/authority', 'service', 'listener/handlers'],
  listener: [...below, 'tls'],
  server: ['*'],
  'server-tls': ['*'],
  ports: ['*'],
  backend: ['*'],
  version: [],
  cli: ['*'],
  main: ['cli', 'errors'],
}

function offenders(rule: (source: Source) => string | false): string[] {
  return code.flatMap((source) => {
    const why = rule(source)
    return why === false ? [] : [`${source.path}: ${why}`]
  })
}

describe('the house', () => {
  it('imports go along the arrows of the design', () => {
    const wrong = code.flatMap((source) => {
      const own = folderOf(source.path)
      const allowed = arrows[own]
      if (!allowed) return [`${source.path}: folder ${own} has no arrows`]
      if (allowed.includes('*')) return []
      return source.imports
        .filter((target) => target.startsWith('src/') && folderOf(target) !== own)
        .filter((target) => !allowed.some((a) => target === `src/${a}.ts` || target.startsWith(`src/${a}/`)))
        .map((target) => `${source.path} -> ${target}`)
    })
    assert.deepEqual(wrong, [])
  })

  it('each kind of library is imported by its owner alone', () => {
    const owners: readonly (readonly [RegExp, RegExp])[] = [
      [/^@bufbuild\/protobuf/, /^src\/ops\//],
      [/^src\/gen\//, /^src\/ops\//],
      [/^node:https?2?$|^node:http2$/, /^src\/(protocol|listener|upstream|probe)\//],
      [/^node:tls$/, /^src\/(tls|listener|probe)\//],
      [/^@peculiar\/x509/, /^src\/pki\//],
      [/^@zvec\/zvec/, /^src\/engine\/native\/zvec\.ts$/],
      [/^node:sqlite$/, /^src\/(embedded|catalog|sqlite)\//],
      [/^chevrotain/, /^src\/filter\//],
      [/^pino/, /^src\/observe\//],
      [/^commander/, /^src\/cli\//],
    ]
    const wrong = code.flatMap((source) =>
      source.imports.flatMap((target) =>
        owners.flatMap(([library, owner]) =>
          library.test(target) && !owner.test(source.path) ? [`${source.path} imports ${target}`] : [],
        ),
      ),
    )
    assert.deepEqual(wrong, [])
  })

  it('only config/load.ts reads the environment, only main.ts ends the process', () => {
    assert.deepEqual(
      offenders((s) => s.path !== 'src/config/load.ts' && /process\.env\b/.test(s.text) && 'reads process.env'),
      [],
    )
    assert.deepEqual(
      offenders((s) => s.path !== 'src/main.ts' && /process\.exit\b\(/.test(s.text) && 'exits'),
      [],
    )
  })

  it('the version in the code is the package’s', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    assert.equal(REDKITE_VERSION, version)
  })

  it('only auth/ mints a pass', () => {
    assert.deepEqual(
      offenders((s) => !s.path.startsWith('src/auth/') && /\bas Pass\b/.test(s.text) && 'mints'),
      [],
    )
  })

  it('nothing skips verification or allow-lists a TLS error', () => {
    // probe/look.ts looks at what does not verify, to explain it; probe/doctor/runtime.ts names the variable
    const allowed = /^src\/(tls\/|probe\/(look|doctor\/runtime)\.ts$)/
    const rule = (s: Source) =>
      !allowed.test(s.path) && /rejectUnauthorized:\s*false|NODE_TLS_REJECT/.test(s.text) && 'weakens verification'
    assert.deepEqual(offenders(rule), [])
  })

  it(`files stay under ${FILE_LINES_MAX} lines`, () => {
    const long = offenders((s) => {
      const lines = s.text.split('\n').length - 1
      return lines > FILE_LINES_MAX && `${lines} lines`
    })
    assert.deepEqual(long, [])
  })

  it(`functions stay under ${FUNCTION_LINES_MAX} lines`, () => {
    const long = code.flatMap((source) => longFunctions(source))
    assert.deepEqual(long, [])
  })

  it('no any, no non-null assertion by comment, no promise of later', () => {
    assert.deepEqual(
      offenders((s) => /@ts-(ignore|nocheck|expect-error)|biome-ignore/.test(s.text) && 'silences a tool'),
      [],
    )
    assert.deepEqual(
      offenders((s) => /\b(FIXME|XXX)\b/.test(s.text) && 'has a FIXME'),
      [],
    )
  })
})

/** Functions and methods by their indentation: the formatter makes a body end at the indent of its first line. */
function longFunctions(source: Source): string[] {
  const lines = source.text.split('\n')
  const found: string[] = []
  const opening =
    /^(\s*)(?:export\s+)?(?:(?:static|async|private|get|override)\s+)*(?:function\b|#?[\w$]+\s*(?:<[^>]*>)?\(|(?:const|let)\s+\w+\s*(?::[^=]+)?=\s*(?:async\s*)?\().*[{(]$/
  lines.forEach((line, i) => {
    const indent = opening.exec(line)?.[1]
    if (indent === undefined || /^\s*(if|for|while|switch|return|describe|it)\b/.test(line)) return
    const end = lines.findIndex((l, j) => j > i && new RegExp(`^${indent}[})]`).test(l) && !/^\s*\) ?[:{=]/.test(l))
    if (end - i > FUNCTION_LINES_MAX) found.push(`${source.path}:${i + 1} ${end - i} lines`)
  })
  return found
}
