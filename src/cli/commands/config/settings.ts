import { statSync } from 'node:fs'
import { isAbsolute, posix, relative, sep } from 'node:path'
import { stringify } from 'yaml'
import type { Config } from '../../../config/config.ts'
import type { Effective } from '../../../config/resolve.ts'
import { type Key, keyTable } from '../../../config/schema.ts'
import { variableName } from '../../../config/sources/environment.ts'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { usedPaths } from './files.ts'

/** One file that was rendered. */
export interface Rendered {
  readonly name: string
  readonly text: string
}

/** What the user chose besides the configuration. */
export interface RenderChoices {
  readonly image: string
  readonly name: string
}

/** A configuration, reduced to what a deployment has to say. */
export interface Settings {
  /** The values that are not defaults, nested as in a milvus.yaml. */
  readonly values: Readonly<Record<string, unknown>>
  /** The same as the text of a file. */
  readonly milvusYaml: string
  readonly ports: { readonly grpc: number; readonly rest: number | null; readonly metrics: number }
  /** What `redkite run` is called with: a proxy has an upstream. */
  readonly role: 'standalone' | 'proxy'
  /** What the server reads, by key, as configured: absolute or relative to the working directory. */
  readonly files: readonly { readonly key: string; readonly path: string; readonly isDirectory: boolean }[]
  /** Whether certificate and key of `tls.*` are files that keys name, not found in a directory or a bundle. */
  readonly areNamed: boolean
  /** Whether the server renews its certificate where it is. */
  readonly renews: boolean
  /** What is not in the files, in words. */
  readonly notes: readonly string[]
}

/** Where data and addresses are is the platform's to say: a volume, a unit's directory, a pod's address. */
const BY_PLATFORM: readonly Key[] = ['redkite.dataDir', 'redkite.host', 'redkite.metricsHost']

/**
 * Reduces a configuration. Paths stay as they were given, so that they mean the same in a container that mounts the
 * directory at the same place.
 * @throws StartError usage: what cannot be rendered (`--auto-tls`, ports that are chosen at the start)
 */
export function settingsOf(config: Config, effective: readonly Effective[]): Settings {
  if (config.autoTls) {
    const hint = 'make the files first: redkite certs create --dir tls, then --tls one-way --tls-dir tls'
    throw new StartError(EXIT.usage, '--auto-tls makes its files at the start, so there are none to mount', hint)
  }
  const ports = {
    grpc: config.proxy.port,
    rest: config.proxy.http.enabled && config.proxy.http.port !== config.proxy.port ? config.proxy.http.port : null,
    metrics: config.metrics.port,
  }
  if (Object.values(ports).includes(0)) {
    throw new StartError(EXIT.usage, 'port 0 is chosen at the start and cannot be published', 'name the port')
  }
  const given = effective.filter(({ key, source }) => source.kind !== 'default' && keyTable[key].effect !== 'none')
  const secrets = given.filter(({ key }) => keyTable[key].type.name === 'secret')
  const byPlatform = given.filter(({ key }) => BY_PLATFORM.includes(key))
  const written = given.filter((entry) => !secrets.includes(entry) && !byPlatform.includes(entry))
  const values = nested(written)
  const used = usedPaths(config, effective)
  return {
    values,
    milvusYaml: stringify(values, { lineWidth: 0 }),
    ports,
    role: config.upstream === null ? 'standalone' : 'proxy',
    files: used
      .filter(({ use, key }) => use === 'read' && key !== 'config')
      .map(({ key, path }) => ({
        key,
        path: asGiven(path, key, effective),
        isDirectory: statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
      })),
    areNamed: config.tls.mode.kind === 'plain' || config.tls.source.kind === 'files',
    renews: config.tls.caKeyPath !== null && config.tls.autoRenew,
    notes: [
      ...secrets.map(
        ({ key }) => `${key} is a secret and not written: set ${variableName(key)}_FILE to a mounted file`,
      ),
      ...byPlatform.map(({ key }) => `${key} is left to the platform`),
      ...used
        .filter(({ use, key }) => use === 'write' && key !== 'redkite.dataDir')
        .map(({ key, path }) => `${key} writes into ${path}: in a container, mount a volume there`),
    ],
  }
}

/** A path as its key gave it; one that was found in a directory, relative where it lies below the working directory. */
function asGiven(path: string, key: string, effective: readonly Effective[]): string {
  const given = effective.find((entry) => entry.key === key)
  if (given !== undefined && String(given.value) !== '') return String(given.value)
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || isAbsolute(short) ? path : short
}

/** Keys with dots as nested mappings; numbers and booleans as such. */
function nested(entries: readonly Effective[]): Readonly<Record<string, unknown>> {
  const root = new Map<string, unknown>()
  for (const { key, value } of entries) {
    const parts = key.split('.')
    const leaf = parts.pop() ?? key
    let node = root
    for (const part of parts) {
      const known = node.get(part)
      const child = known instanceof Map ? known : new Map<string, unknown>()
      node.set(part, child)
      node = child
    }
    node.set(leaf, scalar(String(value)))
  }
  return toObject(root)
}

function scalar(text: string): string | number | boolean {
  if (/^(true|false)$/.test(text)) return text === 'true'
  return /^(0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text
}

function toObject(map: ReadonlyMap<string, unknown>): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...map].map(([key, value]) => [key, value instanceof Map ? toObject(value) : value]))
}

/** The directories of what is read as a container in `/milvus` sees them, each once, in order. */
export function mountedDirectories(settings: Settings): readonly { readonly given: string; readonly inside: string }[] {
  const given = settings.files.map(({ path, isDirectory }) => {
    const slashed = path.split(sep).join('/')
    return isDirectory ? slashed : posix.dirname(slashed)
  })
  return [...new Set(given)].map((directory) => {
    const inside = posix.resolve('/milvus', directory)
    if (inside !== '/milvus' && inside !== '/') return { given: directory, inside }
    const hint = 'put the certificates into a directory of their own, e.g. tls'
    throw new StartError(EXIT.usage, `the certificates are in ${directory}, over which nothing can be mounted`, hint)
  })
}
