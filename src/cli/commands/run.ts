import { Command } from 'commander'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { EXIT, type ExitCode, StartError } from '../../errors/start-error.ts'
import { createLog, type LogSettings, type LogSink } from '../../observe/log-sink.ts'
import { addConfigOptions, type ConfigOptions, toLoadInput } from '../config-options.ts'
import { bindToIo, type CliIo } from '../io.ts'
import { rereadConfig } from '../reread-config.ts'
import { untilStopped } from '../signals.ts'

const EXAMPLES = `
Examples:
  $ redkite run --auto-tls                            one-way TLS, certificates made at the first start
  $ redkite run --tls mutual --tls-dir tls            clients need a certificate of the CA in tls/ca.pem
  $ redkite run --config milvus.yaml --data /var/lib/redkite
  $ redkite run --set common.security.authorizationEnabled=true
  $ redkite run proxy --upstream https://10.0.0.5:19530 --set redkite.upstream.caPemPath=ca.pem --auto-tls
  $ milvus run standalone                             the same command under the name Milvus images use

Signals: TERM, INT and QUIT finish what runs and stop (a second one stops at once); HUP reloads certificates
and the log level.
Exit codes: 0 stopped, 64 usage, 73 data directory, 74 disk, 75 port or data directory in use, 77 unreadable key,
78 configuration.`

interface RunOptions extends ConfigOptions {
  readonly readyFile?: string
}

/** `redkite run`: the server. */
export function runCommand(io: CliIo): Command {
  const command = bindToIo(new Command('run'), io)
    .description('serve until stopped')
    .argument('[role]', 'standalone: the engine is in this process; proxy: another Milvus answers')
  return addConfigOptions(command)
    .option('--upstream <uri>', 'role proxy: the Milvus that answers, http://host:19530 or https://host:19530')
    .option('--ready-file <file>', 'write a JSON file with the addresses once all ports answer')
    .addHelpText('after', EXAMPLES)
    .action(async (role: string | undefined, options: RunOptions) => {
      io.setExitCode(await run(io, role, options))
    })
}

/** The role must be what the configuration says: a proxy without an upstream, or the reverse, was not meant. */
function checkRole(role: string | undefined, config: Config): void {
  if (role !== undefined && role !== 'standalone' && role !== 'proxy') {
    throw new StartError(EXIT.usage, `role ${role}: standalone and proxy are served here`, 'redkite run standalone')
  }
  if (role === 'proxy' && config.upstream === null) {
    throw new StartError(
      EXIT.usage,
      'role proxy: no upstream is named',
      'redkite run proxy --upstream https://HOST:19530',
    )
  }
  if (role === 'standalone' && config.upstream !== null) {
    const message = `role standalone: redkite.upstream.uri is ${config.upstream.uri}, which a proxy uses`
    throw new StartError(EXIT.usage, message, 'redkite run proxy, or leave redkite.upstream.uri out')
  }
}

async function run(io: CliIo, role: string | undefined, options: RunOptions): Promise<ExitCode> {
  const { readyFile, ...rest } = options
  const input = toLoadInput(rest)
  const loaded = loadConfig(input)
  checkRole(role, loaded.config)
  const log = openLog(loaded.config.log)
  const start = async () => {
    const { startServer } = await import('../../server.ts')
    const autoTls = loaded.config.autoTls
    return startServer({ loaded, autoTls, readyFile: readyFile ?? null, log, io })
  }
  try {
    return await untilStopped(log, start, () => rereadConfig(input, loaded, log))
  } finally {
    log.flush()
  }
}

function openLog(settings: LogSettings): LogSink {
  try {
    return createLog(settings)
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    const message = `cannot open the log file under log.file.rootPath ${settings.file.rootPath}: ${reason}`
    throw new StartError(EXIT.cannotCreate, message, 'make the directory writable, or leave log.file.rootPath empty')
  }
}
