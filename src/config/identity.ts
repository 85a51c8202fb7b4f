import { wantsCertificates } from '../tls/identity/policy.ts'
import type { TlsMode } from './config.ts'
import type { Key, Values } from './schema.ts'

/**
 * A policy that asks for certificates where nobody can have one that counts would lock those users out: an error at
 * the start instead of at their next login.
 */
export function checkIdentity(
  values: Values,
  mode: TlsMode,
  add: (key: Key, cause: Key, message: string, hint: string) => void,
): void {
  const usernameMax = values['proxy.maxUsernameLength']
  const long = values['redkite.identity.rules'].find(({ user }) => !user.includes('$') && user.length > usernameMax)
  if (long) {
    const message = `rule ${long.number} of redkite.identity.rules names a user longer than proxy.maxUsernameLength ${usernameMax}`
    add('redkite.identity.rules', 'redkite.identity.rules', message, 'shorten the name, or raise the limit')
  }
  const key = 'redkite.identity.policy'
  if (!wantsCertificates(values[key])) return
  if (mode.kind !== 'mutual') {
    const message = `${key} asks users for certificates, which only tlsMode 2 asks clients for`
    add(key, key, message, 'set common.security.tlsMode to 2, or let the policy ask for passwords')
  } else if (values['redkite.identity.rules'].length === 0) {
    const message = `${key} asks users for certificates, and no rule maps one to a user`
    add(key, key, message, 'write redkite.identity.rules, e.g. "cn=(.*) -> $1"')
  }
}
