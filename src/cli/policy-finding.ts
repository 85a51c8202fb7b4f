import type { Finding } from '../config/finding.ts'
import type { LoadResult } from '../config/load.ts'
import { StartError } from '../errors/start-error.ts'
import { protocolPolicy } from '../tls/policy.ts'

/**
 * What keeps the TLS policy of a configuration from working, located where it was written: unknown or weak names, keys
 * that contradict each other. A server finds it at its start; empty where there is nothing, or TLS is off.
 */
export function policyFindings({ config, effective }: LoadResult): readonly Finding[] {
  if (config === null || config.tls.mode.kind === 'plain') return []
  try {
    protocolPolicy(config.tls, config.tls.mode.kind)
    return []
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const [key = ''] = error.message.split(':')
    const source = effective.find((one) => one.key === key)?.source ?? null
    return [{ severity: 'error', key, message: error.message, hint: error.hint, source }]
  }
}
