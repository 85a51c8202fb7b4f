import { isIP } from 'node:net'
import { EXIT, StartError } from '../errors/start-error.ts'

/** A server to look at. */
export interface Target {
  /** Name or address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** True for `https://`, and where no scheme is given. */
  readonly tls: boolean
}

/** Where Milvus listens unless told otherwise. */
const PORT_DEFAULT = 19_530

const FORM = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\[[^\]]+\]|[^/:?#[\]@\s]+)(?::(\d{1,5}))?(?:[/?#].*)?$/i

/**
 * Reads a URI as Milvus clients take it: `https://host:19530`, `http://host:19530`, `host:19530`, `host`. A path (a
 * database's name to pymilvus) is passed by.
 * @throws StartError (usage) naming what is wrong with it
 */
export function parseTarget(text: string): Target {
  const [, scheme = 'https', bracketed = '', port] = FORM.exec(text.trim()) ?? []
  const host = bracketed.startsWith('[') ? bracketed.slice(1, -1) : bracketed
  if (host === '' || (bracketed.startsWith('[') && isIP(host) !== 6)) {
    const hint = text.includes('@') ? 'give the user with --user, not in the address' : 'e.g. https://localhost:19530'
    throw new StartError(EXIT.usage, `${JSON.stringify(text.replace(/[^/@]*@/, '***@'))} is no server's address`, hint)
  }
  if (!/^https?$/i.test(scheme)) {
    throw new StartError(EXIT.usage, `scheme ${scheme}: a Milvus address begins with https:// or http://`, null)
  }
  const number = port === undefined ? PORT_DEFAULT : Number(port)
  if (number < 1 || number > 65_535) {
    throw new StartError(EXIT.usage, `port ${port}: ports are 1 to 65535`, null)
  }
  return { host, port: number, tls: scheme.toLowerCase() === 'https' }
}

/** `10.0.0.7:19530`, `[::1]:19530`. */
export function place(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
