import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { passwordFromEnvironment } from '../../../config/load.ts'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { Secret } from '../../../model/calls.ts'
import type { AdminTarget } from '../../../probe/admin-client.ts'
import { readSmallFile, UnreadableFile } from '../../../tls/read-file.ts'
import { type OutputFormat, outputOption } from '../../io.ts'

/** The options of every command that asks a running server. */
export interface TargetOptions {
  readonly uri: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
  readonly user: string
  readonly passwordFile?: string
  readonly timeout: string
  readonly output: OutputFormat
}

export const TARGET_HELP = `
The password comes from --password-file, or from the variable REDKITE_PASSWORD; never from the command line, which every
user of the machine can read. Exit codes: 0 done, 1 the server says no, 64 usage, 69 no answer, 77 login refused.`

/** Adds these options to a command. */
export function addTargetOptions(command: Command): Command {
  return command
    .option('--uri <uri>', 'server to ask', 'https://localhost:19530')
    .option('--ca <file>', 'CA file that its certificate must lead to; default: the public authorities')
    .option('--cert <file>', 'client certificate, for mutual mode')
    .option('--key <file>', 'its private key')
    .option('--server-name <name>', 'name that its certificate must carry; default: the host of --uri')
    .option('--user <name>', 'who logs in', 'root')
    .option('--password-file <file>', 'file whose first line is the password')
    .addOption(new Option('--timeout <seconds>', 'longest wait for the answer').default('10'))
    .addOption(outputOption())
}

/** @throws StartError for what is wrong with the options, and for files that cannot be read */
export async function targetOf(options: TargetOptions): Promise<AdminTarget> {
  const { ca, cert, key, serverName = '', user } = options
  if ((cert === undefined) !== (key === undefined)) {
    throw new StartError(EXIT.usage, '--cert and --key belong together', 'give both, or neither')
  }
  const password = passwordOf(options)
  if (password === null && cert === undefined) {
    throw new StartError(EXIT.usage, 'no password', 'give --password-file FILE, or set REDKITE_PASSWORD')
  }
  return {
    uri: uriOf(options.uri),
    serverName,
    ca: ca === undefined ? null : await pem('--ca', ca),
    client:
      cert === undefined || key === undefined
        ? null
        : { cert: await pem('--cert', cert), key: await pem('--key', key) },
    login: password && { user, password },
    timeoutMs: milliseconds(options.timeout),
  }
}

function uriOf(text: string): URL {
  const uri = URL.canParse(text) ? new URL(text) : null
  if (uri && (uri.protocol === 'https:' || uri.protocol === 'http:') && uri.username === '' && uri.password === '')
    return uri
  throw new StartError(EXIT.usage, `--uri ${text}: not an address of a server`, 'e.g. --uri https://localhost:19530')
}

function milliseconds(text: string): number {
  const seconds = Number(text)
  if (seconds > 0 && seconds <= 3_600) return seconds * 1_000
  throw new StartError(EXIT.usage, `--timeout ${text}: not a number of seconds`, 'give 1 to 3600')
}

async function pem(option: string, path: string): Promise<string> {
  try {
    return (await readSmallFile(resolve(path))).bytes.toString('latin1')
  } catch (error) {
    if (error instanceof UnreadableFile) throw new StartError(error.exitCode, `${option}: ${error.message}`, null)
    throw error
  }
}

function passwordOf({ passwordFile }: TargetOptions): Secret | null {
  if (passwordFile === undefined) return passwordFromEnvironment()
  try {
    // A pipe does too: --password-file <(pass show redkite)
    const [line = ''] = readFileSync(passwordFile, 'utf8').split(/\r?\n/)
    if (line !== '') return new Secret(line)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new StartError(EXIT.config, `--password-file: open ${resolve(passwordFile)}: ${code}`, 'correct the path')
  }
  throw new StartError(EXIT.config, `--password-file: ${resolve(passwordFile)}: the first line is empty`, null)
}
