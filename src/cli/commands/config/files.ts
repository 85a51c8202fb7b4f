import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../../../config/config.ts'
import { loadConfig } from '../../../config/load.ts'
import type { Effective } from '../../../config/resolve.ts'
import { type Key, keyTable } from '../../../config/schema.ts'
import { addConfigOptions, type ConfigOptions, toLoadInput } from '../../config-options.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'

const EXAMPLES = `
Examples:
  $ redkite config files --config milvus.yaml
  $ redkite config files --tls mutual --tls-dir tls -o json

One line a file, columns separated by tabs: read or write, key, uid, gid, mode, path; - where there is no such file.
Options of run that are not about the configuration are passed over, so a whole command line can be given.`

/** A file or directory that a server of this configuration uses. */
export interface UsedFile {
  readonly use: 'read' | 'write'
  /** The key that names it; `config` for a configuration file. */
  readonly key: string
  /** Absolute. */
  readonly path: string
  /** Null where there is nothing at the path. */
  readonly facts: { readonly uid: number; readonly gid: number; readonly mode: string } | null
}

interface FilesOptions extends ConfigOptions {
  readonly output: OutputFormat
}

/** Adds `redkite config files`: whose the files are that a server would use. Contents are not looked at. */
export function addFiles(config: Command, io: CliIo): void {
  addConfigOptions(config.command('files').description('list the files that a server would use, with owner and mode'))
    .addOption(outputOption())
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', EXAMPLES)
    .action(async ({ output, ...options }: FilesOptions) => {
      const { config: loaded, effective } = loadConfig(toLoadInput(options))
      const files = await Promise.all(usedPaths(loaded, effective).map(lookAt))
      printResult(io, output, files.map(line).join(''), files)
    })
}

/** Keys that name what the server writes: a directory, or a file in one. */
const WRITTEN: Readonly<Partial<Record<Key, 'directory' | 'file'>>> = {
  'log.file.rootPath': 'directory',
  'redkite.audit.path': 'file',
}
/** Keys whose files `tlsFiles` lists as far as the mode reads them, or that are listed by themselves. */
const LISTED_APART = /^(tls\.|internaltls\.|redkite\.tls\.(dir|pkcs12Path)$|redkite\.dataDir$)/

/** Every path that this configuration makes a server use. */
export function usedPaths(config: Config, effective: readonly Effective[]): readonly Omit<UsedFile, 'facts'>[] {
  const read = (key: string, path: string) => ({ use: 'read' as const, key, path })
  const named = effective
    .filter(({ key, value }) => keyTable[key].type.name === 'path' && String(value) !== '')
    .filter(({ key }) => keyTable[key].effect !== 'none' && !LISTED_APART.test(key))
    .map(({ key, value }) => {
      const path = resolve(String(value))
      if (WRITTEN[key] === undefined) return read(key, path)
      return { use: 'write' as const, key, path: WRITTEN[key] === 'file' ? dirname(path) : path }
    })
  const files = config.files.map((path) => read('config', path))
  const tls = [...tlsFiles('tls', config.tls.mode), ...tlsFiles('internaltls', config.internalTls)]
  const material = tls.map(({ key, path }) => read(key, path))
  return [...files, ...material, ...named, { use: 'write', key: 'redkite.dataDir', path: config.dataDir }]
}

/** The certificate files of a port, by mode, under the keys that usually name them. */
function tlsFiles(
  section: 'tls' | 'internaltls',
  mode: Config['tls']['mode'] | Config['internalTls'],
): readonly { readonly key: string; readonly path: string }[] {
  if (mode.kind === 'plain') return []
  const files = [
    { key: `${section}.serverPemPath`, path: mode.serverPem },
    { key: `${section}.serverKeyPath`, path: mode.serverKey },
  ]
  return mode.kind === 'mutual' ? [...files, { key: `${section}.caPemPath`, path: mode.caPem }] : files
}

async function lookAt(file: Omit<UsedFile, 'facts'>): Promise<UsedFile> {
  try {
    const { uid, gid, mode } = await stat(file.path)
    return { ...file, facts: { uid, gid, mode: (mode & 0o7777).toString(8).padStart(4, '0') } }
  } catch {
    return { ...file, facts: null }
  }
}

function line({ use, key, path, facts }: UsedFile): string {
  return `${[use, key, facts?.uid ?? '-', facts?.gid ?? '-', facts?.mode ?? '-', path].join('\t')}\n`
}
