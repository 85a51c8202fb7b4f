/** The six ways a client meets a server: three modes of TLS, authentication off and on. */
import { join } from 'node:path'
import { type Login, ROOT, type Show } from '../support/clients.ts'
import { type Served, startRedkite, temporary } from '../support/server.ts'
import { type CertSet, createSet } from '../support/sets.ts'
import { internalTls, linkTls, startProxy } from '../support/upstream.ts'

export interface Combination {
  readonly name: string
  readonly kind: Show['kind']
  readonly auth: boolean
  readonly login: Login
}

export const combinations: readonly Combination[] = (['plain', 'oneWay', 'mutual'] as const).flatMap((kind, mode) =>
  [false, true].map((auth) => ({
    name: `tlsMode ${mode}, authentication ${auth ? 'on' : 'off'}`,
    kind,
    auth,
    login: auth ? ROOT : null,
  })),
)

/** The strictest of them: mutual TLS with a login. */
export const STRICT: Combination = { name: 'mutual, authentication on', kind: 'mutual', auth: true, login: ROOT }

export interface Certificates extends Disposable {
  readonly set: CertSet
  show(kind: Show['kind']): Show
}

/** A set of certificates made by `redkite certs create`, for the tests of one file. */
export async function makeCertificates(): Promise<Certificates> {
  const place = temporary()
  const set = await createSet(join(place.path, 'tls'))
  return {
    set,
    show: (kind) => (kind === 'plain' ? { kind } : { kind, set }),
    [Symbol.dispose]: () => place[Symbol.dispose](),
  }
}

/** Whether the server is a proxy that passes logins on: then only the node behind it checks them. */
export const isBehindProxy = process.env['REDKITE_TEST_BEHIND_PROXY'] === '1'

/** Starts the server of a combination; gRPC and REST share its one port. */
export function serve({ kind, auth }: Combination, set: CertSet): Promise<Served> {
  const mode = { plain: 'off', oneWay: 'one-way', mutual: 'mutual' }[kind]
  const tls = kind === 'plain' ? [] : ['--tls', mode, '--tls-dir', set.dir]
  const args = [...tls, '--host', '127.0.0.1', '--set', `common.security.authorizationEnabled=${auth}`]
  return isBehindProxy ? behindProxy(args, set) : startRedkite({ args })
}

/**
 * The same server in two processes: a node, and a proxy before its internal port that clients connect to. The login is
 * the node's: the proxy passes it on.
 */
async function behindProxy(args: readonly string[], set: CertSet): Promise<Served> {
  const login = args.slice(args.indexOf('--host'))
  const node = await startRedkite({ args: [...login, ...internalTls(set)] })
  const outside = args.slice(0, args.indexOf('--host') + 2)
  const proxy = await startProxy(node.ready.internal ?? '', [...outside, ...linkTls(set)])
  return {
    ...proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await node[Symbol.asyncDispose]()
    },
  }
}
