import { Command } from 'commander'
import { REDKITE_VERSION } from '../version.ts'
import { configCommand } from './commands/config.ts'
import { runCommand } from './commands/run.ts'
import { bindToIo, type CliIo } from './io.ts'

const EXAMPLES = `
Examples:
  $ redkite run --auto-tls                       serve on TLS with certificates made at the first start
  $ redkite run --config milvus.yaml             serve as a Milvus configuration says
  $ redkite certs create --dir tls               make the CA, server and client certificates
  $ redkite run --tls mutual --tls-dir tls       require client certificates
  $ redkite config check values.yaml             explain a milvus.yaml, Helm values or operator resource
  $ redkite config show --changed                every value that is not a default, with its source
  $ redkite verify https://localhost:19530 --ca tls/ca.pem   prove a server's encryption from outside
  $ redkite doctor --config milvus.yaml          look at files, names, ports and this machine from inside`

/**
 * The command tree. A command that brings heavy libraries is imported only when it is the one called, or when all are
 * listed; so `config` and `run` start fast.
 * @param name what the user typed: `redkite` or `milvus`
 * @param called the first argument
 */
export async function createProgram(io: CliIo, name: string, called: string | undefined): Promise<Command> {
  const program = bindToIo(new Command(name), io)
    .description('A vector database server that Milvus clients use unchanged, encrypted in transit.')
    .version(REDKITE_VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', EXAMPLES.replaceAll('$ redkite', `$ ${name}`))
    .addCommand(runCommand(io))
    .addCommand(configCommand(io))
  if (called === 'run' || called === 'config') return program
  const wanted = LAZY.filter(([verb]) => verb === called)
  for (const [, load] of wanted.length > 0 ? wanted : LAZY) program.addCommand((await load())(io))
  return program
}

/** Commands that bring heavy libraries. */
const LAZY: readonly (readonly [verb: string, load: () => Promise<(io: CliIo) => Command>])[] = [
  ['certs', async () => (await import('./commands/certs.ts')).certsCommand],
  ['tls', async () => (await import('./commands/tls.ts')).tlsCommand],
  ['verify', async () => (await import('./commands/verify.ts')).verifyCommand],
  ['health', async () => (await import('./commands/health.ts')).healthCommand],
  ['data', async () => (await import('./commands/data.ts')).dataCommand],
  ['backup', async () => (await import('./commands/backup.ts')).backupCommand],
  ['doctor', async () => (await import('./commands/doctor.ts')).doctorCommand],
]
