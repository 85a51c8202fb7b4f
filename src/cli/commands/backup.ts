import { resolve } from 'node:path'
import { Command } from 'commander'
import { tryLoadConfig } from '../../config/load.ts'
import type { BackupManifest } from '../../embedded/backup/manifest.ts'
import { EXIT, StartError } from '../../errors/start-error.ts'
import { callAdmin } from '../../probe/admin-client.ts'
import { REDKITE_VERSION } from '../../version.ts'
import { bindToIo, type CliIo, type OutputFormat, outputOption, printResult } from '../io.ts'
import { table } from '../table.ts'
import { addTargetOptions, TARGET_HELP, type TargetOptions, targetOf } from './tls/target.ts'

const EXAMPLES = `
Examples:
  $ redkite backup create /backup/monday --ca tls/ca.pem --password-file root.password   while the server serves
  $ redkite backup create /backup/monday --data /var/lib/redkite                         while it is stopped
  $ redkite backup verify /backup/monday
  $ redkite backup restore /backup/monday --data /var/lib/redkite-2`

const TIMEOUT_SECONDS = '3600'

/** `redkite backup`. */
export function backupCommand(io: CliIo): Command {
  const backup = bindToIo(new Command('backup'), io)
    .description('copy everything as it is at one moment, check such a copy, and bring it back')
    .addHelpText('after', EXAMPLES)
  addCreate(backup, io)
  backup
    .command('verify <folder>')
    .description('compare every file with its SHA-256, and let SQLite check it; exit code 1 where something differs')
    .addOption(outputOption())
    .action(async (folder: string, options: { output: OutputFormat }) => {
      const { verifyBackup } = await import('../../embedded/backup/restore.ts')
      const manifest = await verifyBackup(folder, progress(io, 'verifying'))
      printResult(io, options.output, `${describe(manifest)}\nverified: every file is as it was written`, manifest)
    })
  backup
    .command('restore <folder>')
    .description('put a backup into an empty data directory, all of it or nothing; it is verified before')
    .requiredOption('--data <dir>', 'data directory to make; it must be empty or absent')
    .addOption(outputOption())
    .action(async (folder: string, options: { data: string; output: OutputFormat }) => {
      const { restoreBackup } = await import('../../embedded/backup/restore.ts')
      const manifest = await restoreBackup(folder, options.data, progress(io, 'verifying'))
      const next = `restored to ${options.data}; indexes are built again after: redkite run --data ${options.data}`
      printResult(io, options.output, `${describe(manifest)}\n${next}`, manifest)
    })
  backup
    .command('list <folder>')
    .description('the backups in a folder')
    .addOption(outputOption())
    .action(async (folder: string, options: { output: OutputFormat }) => {
      const { backupsIn, readManifest } = await import('../../embedded/backup/manifest.ts')
      const found = backupsIn(folder).map((name) => ({ name, ...readManifest(resolve(folder, name)) }))
      const rows = found.map((one) => [one.name, one.takenAt, one.version, `${rowsOf(one)}`, `${bytesOf(one)}`])
      const text = table([['NAME', 'TAKEN AT', 'VERSION', 'ROWS', 'BYTES'], ...rows])
      printResult(io, options.output, found.length === 0 ? `no backups in ${folder}` : text, { backups: found })
    })
  return backup
}

function addCreate(backup: Command, io: CliIo): void {
  const create = addTargetOptions(backup.command('create <folder>'))
    .description('copy catalog and rows of a running server, or of a data directory, into a new folder')
    .option('--data <dir>', 'data directory of a server that is stopped; then no server is asked')
    .addHelpText('after', TARGET_HELP)
  create.setOptionValueWithSource('timeout', TIMEOUT_SECONDS, 'default')
  create.action(async (folder: string, options: TargetOptions & { readonly data?: string }) => {
    const path = resolve(folder)
    const manifest =
      options.data === undefined
        ? // The answer of a server of ours: its shape is the API's (docs/reference/admin-api.md).
          ((await callAdmin(await targetOf(options), 'POST', '/redkite/v1/backup', { path })) as BackupManifest)
        : await createOffline(io, options.data, path)
    printResult(io, options.output, `${describe(manifest)}\nin ${path}`, manifest)
  })
}

async function createOffline(io: CliIo, data: string, path: string): Promise<BackupManifest> {
  const { backUpDirectory } = await import('../../embedded/backup/offline.ts')
  const directory = tryLoadConfig({ flags: { data } }).config?.dataDir
  if (directory === undefined) throw new StartError(EXIT.usage, `--data ${data}: not a directory`, 'name another')
  return backUpDirectory(directory, path, REDKITE_VERSION, progress(io, 'copying'))
}

function describe(manifest: Pick<BackupManifest, 'takenAt' | 'version' | 'collections' | 'files'>): string {
  const rows = manifest.collections.map(({ db, name, rows: count }) => [db, name, String(count)])
  return [
    `backup of ${manifest.takenAt}, made by Redkite ${manifest.version}: ${bytesOf(manifest)} bytes`,
    table([['DATABASE', 'COLLECTION', 'ROWS'], ...rows]),
  ].join('\n')
}

function rowsOf({ collections }: Pick<BackupManifest, 'collections'>): number {
  return collections.reduce((sum, { rows }) => sum + rows, 0)
}

function bytesOf({ files }: Pick<BackupManifest, 'files'>): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** One line that is rewritten, for a person at a terminal only. */
function progress(io: CliIo, verb: string): (path: string, at: number, all: number) => void {
  if (process.stderr.isTTY !== true) return () => {}
  return (path, at, all) => io.stderr(`\r\u001b[K${verb} ${at + 1} of ${all}: ${path}${at + 1 === all ? '\n' : ''}`)
}
