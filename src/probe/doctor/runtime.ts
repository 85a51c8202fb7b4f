import { type Check, fail, ok, warn } from '../check.ts'

/** What the process runs on, and what was said to it besides our configuration. */
export interface Runtime {
  readonly node: string
  readonly openssl: string
  /** Options of Node itself on the command line. */
  readonly execArgv: readonly string[]
  /** The variables of `RUNTIME_VARIABLES`, where set. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Whether this Node knows X25519MLKEM768. */
  readonly postQuantum: boolean
}

/** Variables of Node and OpenSSL that change what is trusted, or give secrets away. */
export const RUNTIME_VARIABLES = [
  'NODE_OPTIONS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_EXTRA_CA_CERTS',
  'SSLKEYLOGFILE',
  'OPENSSL_CONF',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
] as const

const NODE_MIN = 24
const WHAT = 'node'

interface Flag {
  readonly pattern: RegExp
  readonly level: 'warn' | 'fail'
  readonly says: string
}

const FLAGS: readonly Flag[] = [
  { pattern: /^--tls-keylog(=|$)/, level: 'fail', says: 'writes the keys of every connection to a file' },
  {
    pattern: /^--tls-min-v1\.[01]$/,
    level: 'warn',
    says: 'lowers the least TLS version of everything that does not say its own (our ports do)',
  },
  { pattern: /^--tls-max-v1\.2$/, level: 'warn', says: 'keeps TLS 1.3 from everything that does not say its own' },
  {
    pattern: /^--tls-cipher-list(=|$)/,
    level: 'warn',
    says: 'replaces the ciphers of everything that does not say its own',
  },
  { pattern: /^--security-revert(=|$)/, level: 'fail', says: 'takes a security fix of Node back' },
  { pattern: /^--insecure-http-parser$/, level: 'fail', says: 'lets smuggled HTTP requests through' },
  {
    pattern: /^--inspect(-brk|-wait)?(=|$)/,
    level: 'fail',
    says: 'opens a debugger that can read every key in memory',
  },
  {
    pattern: /^--(use-openssl-ca|use-system-ca|openssl-config)(=|$)/,
    level: 'warn',
    says: 'changes which authorities are trusted',
  },
]

/** Versions, flags and variables: what could weaken TLS behind the configuration's back. */
export function checkRuntime(runtime: Runtime): readonly Check[] {
  const major = Number(runtime.node.split('.')[0])
  const version = `Node ${runtime.node}, OpenSSL ${runtime.openssl}`
  const checks: Check[] = [
    major >= NODE_MIN
      ? ok(WHAT, version)
      : fail(
          WHAT,
          `${version}: Node ${NODE_MIN} or later is needed`,
          `install Node ${NODE_MIN}; the package brings one`,
          'runtime',
        ),
    runtime.postQuantum
      ? ok('post-quantum', 'X25519MLKEM768 is available')
      : warn(
          'post-quantum',
          'this OpenSSL has no X25519MLKEM768',
          'use Node 24.5 or later (OpenSSL 3.5)',
          'noPostQuantum',
        ),
  ]
  const given = [
    ...runtime.execArgv.map((text) => ({ text, from: 'the command line' })),
    ...(runtime.variables['NODE_OPTIONS'] ?? '').split(/\s+/).map((text) => ({ text, from: 'NODE_OPTIONS' })),
  ]
  for (const { text, from } of given) {
    const flag = FLAGS.find(({ pattern }) => pattern.test(text))
    if (flag === undefined) continue
    const name = text.split('=')[0]
    const make = flag.level === 'fail' ? fail : warn
    checks.push(make('node flags', `${name} ${flag.says}`, `remove ${name} from ${from}`, 'runtime'))
  }
  checks.push(...checkVariables(runtime.variables))
  return checks
}

function checkVariables(variables: Runtime['variables']): readonly Check[] {
  const what = 'environment'
  const checks: Check[] = []
  if (variables['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const detail =
      'NODE_TLS_REJECT_UNAUTHORIZED=0 switches verification off in every Node client that does not say otherwise'
    checks.push(fail(what, detail, 'unset NODE_TLS_REJECT_UNAUTHORIZED, and give clients ca.pem', 'runtime'))
  }
  if (variables['SSLKEYLOGFILE']) {
    const detail = 'SSLKEYLOGFILE makes clients (curl, Python) write the keys of their connections to a file'
    checks.push(fail(what, detail, 'unset SSLKEYLOGFILE', 'runtime'))
  }
  if (variables['NODE_EXTRA_CA_CERTS']) {
    const detail =
      'NODE_EXTRA_CA_CERTS adds authorities to those that Node trusts; our ports and links use their CA files only'
    checks.push(warn(what, detail, 'unset it for the server, unless something else in the process needs it', 'runtime'))
  }
  for (const name of ['OPENSSL_CONF', 'SSL_CERT_FILE', 'SSL_CERT_DIR']) {
    if (!variables[name]) continue
    checks.push(warn(what, `${name} changes what OpenSSL trusts or allows`, `unset ${name} for the server`, 'runtime'))
  }
  return checks
}
