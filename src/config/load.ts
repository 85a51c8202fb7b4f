/**
 * Reads the configuration: files < environment < flags, merged per key into one frozen `Config`. The only file that
 * sees the process' environment.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EXIT, StartError } from '../errors/start-error.ts'
import { Secret } from '../model/calls.ts'
import { buildConfig, type Config } from './config.ts'
import { configError, type Entry, type Finding, sourceText } from './finding.ts'
import { type Effective, resolveEntries } from './resolve.ts'
import { type FileForm, readConfigText } from './sources/config-file.ts'
import { readEnvironment } from './sources/environment.ts'
import { type Flags, readFlags } from './sources/flags.ts'
import { MILVUS_FILES, readMilvusYaml } from './sources/milvus-yaml.ts'
import { readTlsDir } from './sources/tls-dir.ts'
import { inFile } from './sources/yaml.ts'

/** Where to read from. Everything has the process' own as its default; tests give theirs. */
export interface LoadInput {
  /** `--config FILE`: this file instead of those in `$MILVUSCONF` or `./configs`. */
  readonly configFile?: string | undefined
  readonly flags?: Flags | undefined
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  readonly cwd?: string | undefined
}

/** A configuration that can be used. */
export interface LoadedConfig {
  readonly config: Config
  /** Every key with the value in force and its source, in the order of the documentation. */
  readonly effective: readonly Effective[]
  /** Warnings and notes, to be logged at the start. */
  readonly findings: readonly Finding[]
}

/** What reading found; `config` is null when a finding is an error. */
export interface LoadResult extends Omit<LoadedConfig, 'config'> {
  readonly config: Config | null
  /** What kind of file `--config` named; null without it. */
  readonly form: FileForm | null
}

/**
 * Reads the configuration, or says in findings why it cannot be used.
 * @throws StartError what is wrong with the call itself: a file that does not exist, `--set` without a value
 */
export function tryLoadConfig(input: LoadInput = {}): LoadResult {
  const cwd = input.cwd ?? process.cwd()
  const variables = input.environment ?? process.env
  const flags = input.flags ?? {}
  const files =
    input.configFile === undefined
      ? readDirectory(variables['MILVUSCONF'] || 'configs', cwd)
      : readOne(input.configFile, cwd)
  const environment = readEnvironment({ variables, readFile: (path) => readFileSync(resolve(cwd, path), 'utf8') })
  const flagEntries = readFlags(flags)
  const tlsDir = flags.tlsDir === undefined ? [] : readTlsDir(flags.tlsDir, listDirectory(resolve(cwd, flags.tlsDir)))
  const resolved = resolveEntries([
    ...files.entries,
    ...environment.plain,
    ...environment.prefixed,
    ...flagEntries,
    ...tlsDir,
  ])
  const autoTls = flags.autoTls === true
  if (autoTls) refuseAutoTls(flags, resolved.effective)
  else if (tlsDir.length > 0) refusePlaintext(resolved.effective)
  const findings = [...files.findings, ...environment.findings, ...resolved.findings]
  const { effective } = resolved
  if (resolved.values === null || configError(findings) !== null) {
    return { config: null, effective, findings, form: files.form }
  }
  const built = buildConfig(resolved.values, effective, findings, {
    cwd,
    autoTls,
    files: files.names,
    listDirectory,
  })
  return { config: built.config, effective, findings: [...findings, ...built.findings], form: files.form }
}

/** Variables of this process that Node or OpenSSL read, for `doctor`; those that are not set are undefined. */
export function variablesOf<N extends string>(names: readonly N[]): Readonly<Record<N, string | undefined>> {
  const entries = names.map((name) => [name, process.env[name]] as const)
  return Object.fromEntries(entries) as Record<N, string | undefined>
}

/**
 * Reads the configuration.
 * @throws StartError config: the first error with its place and remedy, further ones as hints
 */
export function loadConfig(input: LoadInput = {}): LoadedConfig {
  const { config, effective, findings } = tryLoadConfig(input)
  const error = configError(findings)
  if (error !== null) throw error
  if (config === null) throw new StartError(EXIT.internal, 'the configuration is incomplete')
  return { config, effective, findings }
}

/** `REDKITE_PASSWORD`: the password with which commands log in to a running server; null = not set. */
export function passwordFromEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Secret | null {
  const value = environment['REDKITE_PASSWORD']
  return value === undefined || value === '' ? null : new Secret(value)
}

interface ReadFiles {
  readonly entries: readonly Entry[]
  readonly findings: readonly Finding[]
  readonly names: readonly string[]
  readonly form: FileForm | null
}

function readOne(name: string, cwd: string): ReadFiles {
  const { form, entries, findings } = readConfigText(readText(resolve(cwd, name), name), name)
  return { form, entries, findings, names: [resolve(cwd, name)] }
}

/** Milvus' directory: missing files, and a missing directory, are passed by. */
function readDirectory(directory: string, cwd: string): ReadFiles {
  const present = listDirectory(resolve(cwd, directory))
  const names = MILVUS_FILES.filter((name) => present.includes(name)).map((name) => join(directory, name))
  const read = names.map((name) => readMilvusYaml(readText(resolve(cwd, name), name), inFile(name)))
  return {
    entries: read.flatMap((file) => file.entries),
    findings: read.flatMap((file) => file.findings),
    names: names.map((name) => resolve(cwd, name)),
    form: null,
  }
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new StartError(EXIT.config, `cannot read the configuration file ${shown}: ${reasonOf(thrown)}`, null, {
      cause: thrown,
    })
  }
}

function listDirectory(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return []
    throw new StartError(EXIT.config, `cannot read the directory ${path}: ${reasonOf(thrown)}`, null, { cause: thrown })
  }
}

function codeOf(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null
}

function reasonOf(thrown: unknown): string {
  const code = codeOf(thrown)
  if (code === 'ENOENT') return 'no such file'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EISDIR') return 'it is a directory'
  return code ?? String(thrown)
}

const NAMES_CERTIFICATES = /^(?:tls\.|redkite\.tls\.(?:dir|pkcs12Path|passphrase(?:File|Command)|caKeyPath)$)/

/** `--auto-tls` makes its own files: with others named, or TLS switched off, one of the two was not meant. */
function refuseAutoTls(flags: Flags, effective: readonly Effective[]): void {
  if (flags.tls === 'off') throw new StartError(EXIT.usage, '--auto-tls and --tls off contradict each other')
  const named = effective.find(
    ({ key, value, source }) => NAMES_CERTIFICATES.test(key) && source.kind !== 'default' && value !== '',
  )
  if (named === undefined) return
  throw new StartError(
    EXIT.usage,
    `--auto-tls makes certificates of its own, and ${named.key} names others`,
    `leave out --auto-tls to use them, or remove ${named.key}`,
  )
}

/** Who names certificates on the command line wants TLS: plaintext is not what they should get. */
function refusePlaintext(effective: readonly Effective[]): void {
  const mode = effective.find(({ key }) => key === 'common.security.tlsMode')
  if (mode?.value !== '0') return
  throw new StartError(
    EXIT.usage,
    `--tls-dir names certificates, and TLS is off (common.security.tlsMode 0, ${sourceText(mode.source)})`,
    'add --tls one-way, or --tls mutual if clients have certificates too',
  )
}
