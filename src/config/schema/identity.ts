import { z } from 'zod'
import { parsePolicy } from '../../tls/identity/policy.ts'
import { parseRules } from '../../tls/identity/rule.ts'
import { bool, lines, list, oneOf, path, type ValueType } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** Gives a type's value to a parser whose errors name what is wrong and what to do. */
function parsed<A, B>(name: string, type: ValueType<A>, parse: (value: A) => B): ValueType<B> {
  const schema = type.schema.transform((value, context) => {
    try {
      return parse(value)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: thrown instanceof Error ? thrown.message : String(thrown) })
      return z.NEVER
    }
  })
  return { ...type, name, schema }
}

/** Users by client certificate, and the record of who did what. */
export const identityKeys = {
  'redkite.identity.rules': {
    type: parsed('list of rules', lines, parseRules),
    default: '',
    doc: 'Ordered rules that map a client certificate (tlsMode 2) to a user, the first that matches decides: `<field>=<pattern> -> <user>`, field one of uri, email, dns, cn, dn (RFC 4514 text); the pattern means the whole name and stands for itself, but for expressions in parentheses, which the user takes up as $1 to $9: `cn=(.*) -> $1`. A list in YAML; elsewhere separated by `;` (within a rule: \\x3b in parentheses, \\3B in a dn).',
  },
  'redkite.identity.policy': {
    type: parsed('list of user=certificate, password or both', list, parsePolicy),
    default: '*=password',
    doc: 'What each user must show: its certificate, its password, or both, `writer=certificate, ops=both, *=password`; `*` is everybody else. Counts where common.security.authorizationEnabled is true.',
  },
  'redkite.tls.explain': {
    type: bool,
    default: 'false',
    doc: 'In tlsMode 2 a client that is refused for its certificate finishes the handshake, is told reason and remedy (gRPC UNAUTHENTICATED, HTTP 401), and reaches nothing else.',
  },
  'redkite.audit.path': {
    type: path,
    default: '',
    doc: 'File of the audit log, one JSON object a line, appended to and reopened on SIGHUP; empty: off.',
  },
  'redkite.audit.level': {
    type: oneOf(['admin', 'write', 'all']),
    default: 'admin',
    doc: 'Which calls it records besides logins, refused client certificates and administration: those that change collections, indexes, databases and users; also those that write rows; or all.',
  },
  'redkite.audit.required': {
    type: bool,
    default: 'false',
    doc: 'Refuse the calls that would be recorded while the audit log cannot be written, instead of only saying so.',
  },
} as const satisfies KeyRows
