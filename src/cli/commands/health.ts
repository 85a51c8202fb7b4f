import { Command } from 'commander'
import { loadConfig } from '../../config/load.ts'
import { EXIT, StartError } from '../../errors/start-error.ts'
import { addConfigOptions, type ConfigOptions, toLoadInput } from '../config-options.ts'
import { bindToIo, type CliIo, type OutputFormat, outputOption, printResult } from '../io.ts'

const EXAMPLES = `
Examples:
  $ redkite health                               is the server of this configuration well?
  $ redkite health --url http://10.0.0.5:9091 -o json

Asks /healthz of the management port, which is plaintext in every TLS mode, so it needs no certificate.
Exit codes: 0 healthy, 1 not healthy or no answer, 64 usage, 78 configuration.`

interface HealthOptions extends ConfigOptions {
  readonly url?: string
  readonly timeout: string
  readonly output: OutputFormat
}

/** What was answered; `parts` is empty where nobody answered. */
interface HealthReport {
  readonly url: string
  readonly healthy: boolean
  /** Milvus' words of `/healthz`, or why there are none. */
  readonly state: string
  readonly parts: readonly { readonly name: string; readonly healthy: boolean }[]
}

/** `redkite health`: for HEALTHCHECK lines, exec probes and scripts; no curl needed. */
export function healthCommand(io: CliIo): Command {
  const command = bindToIo(new Command('health'), io).description('ask a running server whether it is well')
  return addConfigOptions(command)
    .option('--url <url>', 'management port of the server; default: what the configuration says')
    .option('--timeout <seconds>', 'longest wait for the answer', '5')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action(async (options: HealthOptions) => {
      const report = await ask(managementUrl(options), seconds(options.timeout))
      printResult(io, options.output, healthText(report), report)
      if (!report.healthy) io.setExitCode(EXIT.checkFailed)
    })
}

function managementUrl({ url, timeout: _timeout, output: _output, ...rest }: HealthOptions): URL {
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new StartError(EXIT.usage, `--url ${url}: not an http URL`, 'e.g. --url http://127.0.0.1:9091')
    }
    return new URL('/healthz', url)
  }
  const { host, port } = loadConfig(toLoadInput(rest)).config.metrics
  if (port === 0) {
    throw new StartError(EXIT.usage, 'the management port is 0: any free one', 'name it: --url http://127.0.0.1:PORT')
  }
  const everywhere = host === '' || host === '0.0.0.0' || host === '::'
  const dialled = everywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return new URL(`http://${dialled}:${port}/healthz`)
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 3600)) {
    throw new StartError(EXIT.usage, `--timeout ${text}: not a number of seconds`, 'give 1 to 3600')
  }
  return value
}

async function ask(url: URL, timeoutSeconds: number): Promise<HealthReport> {
  const none = (state: string): HealthReport => ({ url: url.href, healthy: false, state, parts: [] })
  try {
    // Milvus answers in JSON where the request's own content type says so.
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, {
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    })
    const answer: unknown = await response.json()
    if (!isAnswer(answer)) return none(`an answer that is not /healthz (status ${response.status})`)
    const parts = answer.detail.map(({ name, code }) => ({ name, healthy: code === 'Healthy' }))
    return { url: url.href, healthy: response.status === 200, state: answer.state, parts }
  } catch (thrown) {
    return none(`no answer: ${reasonOf(thrown)}`)
  }
}

interface Answer {
  readonly state: string
  readonly detail: readonly { readonly name: string; readonly code: string }[]
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null || !('state' in value) || !('detail' in value)) return false
  return typeof value.state === 'string' && Array.isArray(value.detail)
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { cause } = thrown
  if (thrown.name === 'TimeoutError') return 'timed out'
  if (thrown instanceof SyntaxError) return 'not the management port (its answer is not JSON)'
  if (!(cause instanceof Error)) return thrown.message
  return 'code' in cause ? String(cause.code) : cause.message
}

function healthText({ url, healthy, state, parts }: HealthReport): string {
  const ill = parts.filter((part) => !part.healthy).map(({ name }) => `  not healthy: ${name}\n`)
  return healthy ? 'OK\n' : `${url}: ${state}\n${ill.join('')}`
}
