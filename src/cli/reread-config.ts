import { type LoadedConfig, type LoadInput, loadConfig } from '../config/load.ts'
import type { LogSink } from '../observe/log-sink.ts'

/**
 * What SIGHUP does with the configuration: the log level is applied; other keys that changed are named, because they
 * hold from the next start only. A configuration with errors changes nothing. Never throws.
 * @param started the configuration that the server started with
 */
export function rereadConfig(input: LoadInput, started: LoadedConfig, log: LogSink): void {
  const own = log.at('cli/reread-config.ts')
  let next: LoadedConfig
  try {
    next = loadConfig(input)
  } catch (error) {
    own.error('the configuration has errors now: nothing of it is taken', { error })
    return
  }
  if (next.config.log.level !== log.level()) {
    own.info('log level', { from: log.level(), to: next.config.log.level })
    log.setLevel(next.config.log.level)
  }
  const waiting = next.effective.filter(({ key, value }) => {
    const before = started.effective.find((each) => each.key === key)?.value
    return key !== 'log.level' && clearText(before) !== clearText(value)
  })
  if (waiting.length > 0) {
    own.warn('changed keys hold from the next start', { keys: waiting.map(({ key }) => key).join(', ') })
  }
}

function clearText(value: LoadedConfig['effective'][number]['value'] | undefined): string | undefined {
  return typeof value === 'object' ? value.reveal() : value
}
