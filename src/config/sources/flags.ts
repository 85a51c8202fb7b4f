import { EXIT, StartError } from '../../errors/start-error.ts'
import type { Entry } from '../finding.ts'
import type { Key } from '../schema.ts'

/** What the command line can say of the configuration; undefined where a flag was not given. */
export interface Flags {
  readonly data?: string | undefined
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly httpPort?: string | undefined
  readonly metricsPort?: string | undefined
  readonly tls?: 'off' | 'one-way' | 'mutual' | undefined
  readonly tlsDir?: string | undefined
  readonly autoTls?: boolean | undefined
  readonly upstream?: string | undefined
  /** `key=value` each. */
  readonly set?: readonly string[] | undefined
}

const TLS_MODES = { off: '0', 'one-way': '1', mutual: '2' } as const

/**
 * The flags as entries. `--set` comes first, so that a flag of its own wins over it.
 * @throws StartError usage: `--set` without `=`
 */
export function readFlags(flags: Flags): readonly Entry[] {
  const entries: Entry[] = (flags.set ?? []).map(readSetting)
  const add = (key: Key, value: string | undefined, flag: string) => {
    if (value !== undefined) entries.push({ key, value, source: { kind: 'flag', flag } })
  }
  add('redkite.dataDir', flags.data, '--data')
  add('redkite.host', flags.host, '--host')
  add('proxy.port', flags.port, '--port')
  add('proxy.http.port', flags.httpPort, '--http-port')
  add('common.MetricsPort', flags.metricsPort, '--metrics-port')
  add('redkite.upstream.uri', flags.upstream, '--upstream')
  add('common.security.tlsMode', flags.tls === undefined ? undefined : TLS_MODES[flags.tls], '--tls')
  return entries
}

function readSetting(setting: string): Entry {
  const at = setting.indexOf('=')
  if (at <= 0) {
    throw new StartError(EXIT.usage, `--set ${setting}: no value`, 'write --set key=value, e.g. --set proxy.port=19531')
  }
  return { key: setting.slice(0, at).trim(), value: setting.slice(at + 1), source: { kind: 'flag', flag: '--set' } }
}
