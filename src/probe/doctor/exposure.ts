import { isIP } from 'node:net'
import { type Check, fail, ok, warn } from '../check.ts'

/** What of a configuration decides who can reach what. Passwords are not among it. */
export interface Exposure {
  readonly mode: 'plain' | 'oneWay' | 'mutual'
  /** Null: all interfaces. */
  readonly host: string | null
  readonly metricsHost: string
  readonly authorization: boolean
  /** `common.security.defaultRootPassword` is still what Milvus' documentation prints. */
  readonly isDefaultRootPassword: boolean
  /** Nothing was stored yet: that password will be root's. */
  readonly isNewData: boolean
  readonly acceptServerAuthClients: boolean
  readonly selfTest: boolean
}

/** Combinations of keys that are each allowed and together leave a door open. */
export function checkExposure(exposure: Exposure): readonly Check[] {
  const { mode, host, authorization } = exposure
  const where = host === null ? 'all interfaces' : host
  const isLocal = host !== null && isLoopback(host)
  const checks: Check[] = []
  if (mode === 'plain' && !isLocal) {
    const fix = 'set common.security.tlsMode to 1 or 2 (redkite run --auto-tls makes the files)'
    checks.push(
      authorization
        ? fail(
            'encryption',
            `tlsMode 0 on ${where} with logins: passwords cross the network in the clear`,
            fix,
            'exposed',
          )
        : warn('encryption', `tlsMode 0 on ${where}: everything crosses the network in the clear`, fix, 'plaintext'),
    )
  } else
    checks.push(
      ok(
        'encryption',
        mode === 'plain'
          ? 'plaintext, on loopback only'
          : `${mode === 'mutual' ? 'mutual' : 'one-way'} TLS on ${where}`,
      ),
    )
  checks.push(...login(exposure, where, isLocal))
  if (!isLoopback(exposure.metricsHost)) {
    const detail = `health and metrics are open on ${exposure.metricsHost}, neither encrypted nor behind a login`
    checks.push(
      warn(
        'metrics',
        detail,
        'set redkite.metricsHost: 127.0.0.1, or let a NetworkPolicy or firewall guard the port',
        'exposed',
      ),
    )
  } else checks.push(ok('metrics', `on ${exposure.metricsHost} only`))
  if (exposure.acceptServerAuthClients) {
    const detail = 'certificates for serverAuth only are admitted as clients: a stolen server pair connects'
    checks.push(
      warn(
        'clients',
        detail,
        'redkite certs renew --client, then leave redkite.tls.acceptServerAuthClients out',
        'serverAuthOnly',
      ),
    )
  }
  if (!exposure.selfTest && mode !== 'plain') {
    const detail = 'the start-up self-test is off: nothing proves that strangers are refused'
    checks.push(warn('self-test', detail, 'leave redkite.tls.selfTest out', 'exposed'))
  }
  return checks
}

function login(exposure: Exposure, where: string, isLocal: boolean): readonly Check[] {
  const { mode, authorization, isDefaultRootPassword, isNewData } = exposure
  if (!authorization) {
    if (isLocal) return [ok('login', 'not needed, on loopback')]
    if (mode === 'mutual') return [ok('login', 'not needed; client certificates are')]
    const detail = `no login on ${where}: everybody who connects may read and drop everything`
    return [warn('login', detail, 'set common.security.authorizationEnabled: true', 'noLogin')]
  }
  if (!isDefaultRootPassword) return [ok('login', 'needed')]
  const fix = 'set COMMON_SECURITY_DEFAULTROOTPASSWORD_FILE before the first start, or change it with UpdateCredential'
  if (isNewData && !isLocal) {
    return [
      fail('login', `root will have the password that the Milvus documentation prints, on ${where}`, fix, 'secret'),
    ]
  }
  if (isLocal) return [ok('login', 'needed; root has the documented password until it is changed, on loopback only')]
  return [warn('login', 'root has the documented password unless it was changed since the first start', fix, 'secret')]
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
