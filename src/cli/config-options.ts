import { type Command, Option } from 'commander'
import type { LoadInput } from '../config/load.ts'

/** The options of every command that reads the configuration of a server. */
export interface ConfigOptions {
  readonly config?: string
  readonly data?: string
  readonly host?: string
  readonly port?: string
  readonly httpPort?: string
  readonly metricsPort?: string
  readonly tls?: 'off' | 'one-way' | 'mutual'
  readonly tlsDir?: string
  readonly autoTls?: boolean
  /** Only `run` has it. */
  readonly upstream?: string
  readonly set?: readonly string[]
}

/** Adds these options to a command. */
export function addConfigOptions(command: Command): Command {
  return command
    .option('--config <file>', 'milvus.yaml, Helm values or an operator resource; default: $MILVUSCONF or ./configs')
    .option('--data <dir>', 'where everything is stored')
    .option('--host <address>', 'address to listen on')
    .option('--port <n>', 'gRPC and REST port; 0 picks a free one')
    .option('--http-port <n>', 'port of its own for REST')
    .option('--metrics-port <n>', 'health and metrics port')
    .addOption(new Option('--tls <mode>', 'encryption').choices(['off', 'one-way', 'mutual']))
    .option('--tls-dir <dir>', 'directory of server.pem, server.key and ca.pem (or tls.crt, tls.key and ca.crt)')
    .option('--auto-tls', 'make a private CA and a server certificate at the first start, and use them')
    .option('--set <key=value>', 'any configuration key; may be repeated', collect)
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}

/** These options as what the configuration is read from. */
export function toLoadInput(options: ConfigOptions): LoadInput {
  const { config, ...flags } = options
  return { configFile: config, flags }
}
