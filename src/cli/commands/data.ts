import { Command } from 'commander'
import { loadConfig } from '../../config/load.ts'
import { EXIT } from '../../errors/start-error.ts'
import { bindToIo, type CliIo, type OutputFormat, outputOption, printResult } from '../io.ts'
import { table } from '../table.ts'

const EXAMPLES = `
Examples:
  $ redkite data check --data /var/lib/redkite      every file of a stopped server; exit code 1 where one is damaged
  $ redkite data describe --data /var/lib/redkite   collections, rows, sizes, and what serves each index`

interface DataOptions {
  readonly data?: string
  readonly output: OutputFormat
}

/** `redkite data`: what lies in a data directory. */
export function dataCommand(io: CliIo): Command {
  const data = bindToIo(new Command('data'), io)
    .description('check and describe the files of a stopped server')
    .addHelpText('after', EXAMPLES)
  data
    .command('check')
    .description('read everything, change nothing, and name each damaged file with its remedy')
    .option('--data <dir>', 'data directory; default: that of the configuration')
    .addOption(outputOption())
    .action(async (options: DataOptions) => {
      const { checkData } = await import('../../embedded/data-check.ts')
      const directory = directoryOf(options)
      const report = await checkData(directory, (path) => {
        if (process.stderr.isTTY === true) io.stderr(`\r\u001b[Kchecking ${path}`)
      })
      if (process.stderr.isTTY === true) io.stderr('\r\u001b[K')
      const lines = report.findings.map(
        ({ level, file, what, remedy }) => `${level}  ${file}: ${what}\n      fix: ${remedy}`,
      )
      const { files, collections, rows } = report
      const summary = `${directory}: ${files} files, ${collections} collections, ${rows} rows: ${report.sound ? 'sound' : 'DAMAGED'}`
      printResult(io, options.output, [...lines, summary].join('\n'), report)
      if (!report.sound) io.setExitCode(EXIT.checkFailed)
    })
  data
    .command('describe')
    .description('collections with their rows and sizes, and the structure that really serves each index')
    .option('--data <dir>', 'data directory; default: that of the configuration')
    .addOption(outputOption())
    .action(async (options: DataOptions) => {
      const { describeData } = await import('../../embedded/data-describe.ts')
      const collections = describeData(directoryOf(options))
      const rows = collections.flatMap((one) => {
        const head = [one.db, one.name, String(one.rows), String(one.bytes)]
        if (one.indexes.length === 0) return [[...head, '', '', '']]
        return one.indexes.map((index) => [...head, index.field, index.type, index.servedBy])
      })
      const text = table([['DATABASE', 'COLLECTION', 'ROWS', 'BYTES', 'FIELD', 'INDEX', 'SERVED BY'], ...rows])
      printResult(io, options.output, text, { collections })
    })
  return data
}

function directoryOf({ data }: DataOptions): string {
  return loadConfig({ flags: data === undefined ? {} : { data } }).config.dataDir
}
