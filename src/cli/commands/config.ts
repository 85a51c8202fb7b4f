import { Command } from 'commander'
import { type Finding, findingText, sourceText } from '../../config/finding.ts'
import { type LoadResult, tryLoadConfig } from '../../config/load.ts'
import type { Effective } from '../../config/resolve.ts'
import { keyTable } from '../../config/schema.ts'
import { EXIT } from '../../errors/start-error.ts'
import { addConfigOptions, type ConfigOptions, toLoadInput } from '../config-options.ts'
import { bindToIo, type CliIo, type OutputFormat, outputOption, printResult } from '../io.ts'
import { policyFindings } from '../policy-finding.ts'
import { addFiles } from './config/files.ts'
import { addRender } from './config/render.ts'

const EXAMPLES = `
Examples:
  $ redkite config show --changed             what is not a default, with its source
  $ redkite config check milvus.yaml          errors and unknown keys, with line and column`

/** `redkite config`: what a server would run with, and what is wrong with a file. */
export function configCommand(io: CliIo): Command {
  const command = bindToIo(new Command('config'), io)
    .description('show, check and render the configuration')
    .addHelpText('after', EXAMPLES)
  addConfigOptions(command.command('show').description('print every value in force and where it comes from'))
    .option('--changed', 'only values that are not defaults')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ redkite config show --changed\n  $ TLS_SERVERPEMPATH=tls/server.pem redkite config show -o json --config milvus.yaml',
    )
    .action((options: ShowOptions) => show(io, options))
  command
    .command('check')
    .description('explain a milvus.yaml, a Helm values file or an operator resource; exit code 1 if it has errors')
    .argument('<file>', 'the file')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ redkite config check configs/milvus.yaml\n  $ redkite config check values.yaml -o json',
    )
    .action((file: string, options: { output: OutputFormat }) => check(io, file, options.output))
  addFiles(command, io)
  addRender(command, io)
  return command
}

interface ShowOptions extends ConfigOptions {
  readonly changed?: boolean
  readonly output: OutputFormat
}

function show(io: CliIo, options: ShowOptions): void {
  const { changed, output, ...rest } = options
  const result = tryLoadConfig(toLoadInput(rest))
  const rows = result.effective.filter(
    ({ key, source }) => source.kind !== 'default' || (changed !== true && keyTable[key].effect !== 'none'),
  )
  printResult(io, output, rows.length === 0 ? 'nothing but defaults\n' : effectiveTable(rows), {
    values: rows.map(({ key, value, source }) => ({ key, value, source: sourceText(source) })),
    findings: result.findings,
  })
  for (const finding of result.findings) io.stderr(findingLines(finding))
  if (result.config === null) io.setExitCode(EXIT.config)
}

function effectiveTable(rows: readonly Effective[]): string {
  const cells = rows.map(({ key, value, source }) => [key, shownValue(value), sourceText(source)] as const)
  const keyWidth = Math.max(...cells.map(([key]) => key.length))
  const valueWidth = Math.min(40, Math.max(...cells.map(([, value]) => value.length)))
  return cells
    .map(([key, value, source]) => `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${source}\n`)
    .join('')
}

function shownValue(value: Effective['value']): string {
  return String(value) === '' ? '""' : String(value)
}

function check(io: CliIo, file: string, output: OutputFormat): void {
  // The file alone: what this machine's environment says is not the file's fault.
  const result = tryLoadConfig({ configFile: file, environment: {} })
  const findings = inOrder(result)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.filter(({ severity }) => severity === 'warn').length
  const summary = `${file}: ${result.form}: ${count(errors, 'error')}, ${count(warnings, 'warning')}\n`
  printResult(io, output, findings.map(findingLines).join('') + summary, { file, form: result.form, findings })
  if (errors > 0) io.setExitCode(EXIT.checkFailed)
}

function inOrder(result: LoadResult): readonly Finding[] {
  const line = ({ source }: Finding) => (source?.kind === 'file' ? source.line : 0)
  return [...result.findings, ...policyFindings(result)].sort((left, right) => line(left) - line(right))
}

function findingLines(finding: Finding): string {
  const place = findingText({ ...finding, message: '' })
  const hint = finding.hint === null ? '' : `  hint: ${finding.hint}\n`
  return `${place}${finding.severity}: ${finding.message}\n${hint}`
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
