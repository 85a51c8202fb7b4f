import { Command, InvalidArgumentError, Option } from 'commander'
import { EXIT, StartError } from '../../errors/start-error.ts'
import { parseTarget } from '../../probe/target.ts'
import { verifyServer } from '../../probe/verify.ts'
import { addConfigOptions, type ConfigOptions } from '../config-options.ts'
import { bindToIo, type CliIo, type OutputFormat, outputOption, printResult } from '../io.ts'
import { readLogin } from './verify/login.ts'
import { checkLines } from './verify/print.ts'

const EXAMPLES = `
Examples:
  $ redkite verify https://milvus.example:19530 --ca cert/ca.pem
  $ redkite verify https://localhost:19530 --ca cert/ca.pem --cert cert/client.pem --key cert/client.key
  $ redkite verify https://10.0.0.7:19530 --server-name milvus.example --ca cert/ca.pem --user root --password-file root.pw
  $ redkite verify --internal --config milvus.yaml     every encrypted link that this configuration describes

Any Milvus-compatible server can be looked at. One line for each check: ok, warn, FAIL or skip, with a fix below what
failed. Nothing is sent to a server whose certificate does not verify; a connection that only looks explains why.
Exit codes: 0 nothing failed, 1 something failed, 64 usage, 69 not reachable.`

interface VerifyOptions extends ConfigOptions {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
  readonly rest?: string
  readonly user?: string
  readonly passwordFile?: string
  readonly tokenFile?: string
  readonly timeout: number
  readonly internal?: boolean
  readonly output: OutputFormat
}

/** `redkite verify`. */
export function verifyCommand(io: CliIo): Command {
  const command = bindToIo(new Command('verify'), io)
    .description('connect to a server and prove its encryption from outside')
    .argument('[URI]', 'https://host:19530; without a scheme https')
    .option('--ca <file>', 'authority that the server must lead to; default: those that Node ships')
    .option('--cert <file>', 'client certificate')
    .option('--key <file>', 'its private key')
    .option('--server-name <name>', 'name to ask for and to check, where it is not the host')
    .option('--rest <uri>', 'address of REST, where it has a port of its own')
    .option('--user <name>', 'user to log in as')
    .option('--password-file <file>', 'file whose first line is the password; default: the variable REDKITE_PASSWORD')
    .option('--token-file <file>', 'file whose first line is user:password or an API key, instead of both')
    .addOption(
      new Option('--timeout <seconds>', 'longest wait for each connection and answer')
        .default(5_000, '5')
        .argParser(milliseconds),
    )
    .option('--internal', 'verify the links that the configuration describes instead')
    .addOption(outputOption())
  return addConfigOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((uri: string | undefined, options: VerifyOptions) => verify(io, uri, options))
}

async function verify(io: CliIo, uri: string | undefined, options: VerifyOptions): Promise<void> {
  if (options.internal === true) {
    if (uri !== undefined)
      throw new StartError(EXIT.usage, '--internal takes its addresses from the configuration', 'leave out the URI')
    const { verifyInternal } = await import('./verify/internal.ts')
    return verifyInternal(io, options, options.output, options.timeout)
  }
  if (uri === undefined)
    throw new StartError(EXIT.usage, 'which server?', 'redkite verify https://localhost:19530, or --internal')
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw new StartError(EXIT.usage, '--cert and --key belong together', 'give both, or neither')
  }
  const report = await verifyServer({
    target: parseTarget(uri),
    paths: { ca: options.ca ?? null, cert: options.cert ?? null, key: options.key ?? null },
    serverName: options.serverName ?? null,
    rest: options.rest === undefined ? null : parseTarget(options.rest),
    login: readLogin(options),
    now: new Date(),
    timeoutMs: options.timeout,
  })
  printResult(io, options.output, checkLines(report.checks), report)
  if (!report.reachable) io.setExitCode(EXIT.unavailable)
  else if (!report.fit) io.setExitCode(EXIT.checkFailed)
}

function milliseconds(text: string): number {
  const seconds = Number(text)
  if (seconds > 0 && seconds <= 3_600) return Math.ceil(seconds * 1_000)
  throw new InvalidArgumentError('it must be a number of seconds, at most 3600.')
}
