import { Command } from 'commander'
import { tryLoadConfig } from '../../config/load.ts'
import { EXIT } from '../../errors/start-error.ts'
import { isFit } from '../../probe/check.ts'
import { addConfigOptions, type ConfigOptions, toLoadInput } from '../config-options.ts'
import { bindToIo, type CliIo, type OutputFormat, outputOption, printResult } from '../io.ts'
import { configurationChecks, examine, runtimeChecks } from './doctor/examine.ts'
import { checkLines } from './verify/print.ts'

const EXAMPLES = `
Examples:
  $ redkite doctor                                     with ./configs, the environment and defaults
  $ redkite doctor --config milvus.yaml
  $ redkite doctor --tls mutual --tls-dir tls -o json

Looks from inside, with the same options as run: configuration, certificate files and their permissions, names, dates,
Node and its flags, ports, disk, and combinations of keys that leave a door open. Run it as the server's user. One line
for each check, with a fix below what is wrong; no secret is printed. redkite verify looks from outside.
Exit codes: 0 nothing failed, 1 something failed, 64 usage, 78 the configuration cannot be used.`

interface DoctorOptions extends ConfigOptions {
  readonly output: OutputFormat
}

/** `redkite doctor`. */
export function doctorCommand(io: CliIo): Command {
  const command = bindToIo(new Command('doctor'), io)
    .description('look at the configuration, the files and this machine')
    .addOption(outputOption())
  return addConfigOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((options: DoctorOptions) => doctor(io, options))
}

async function doctor(io: CliIo, { output, ...options }: DoctorOptions): Promise<void> {
  const result = tryLoadConfig(toLoadInput(options))
  const { config } = result
  const more = config === null ? [] : await examine(result, config, new Date())
  const checks = [...configurationChecks(result), ...runtimeChecks(), ...more]
  const fit = isFit(checks)
  printResult(io, output, checkLines(checks), { fit, checks })
  if (config === null) io.setExitCode(EXIT.config)
  else if (!fit) io.setExitCode(EXIT.checkFailed)
}
