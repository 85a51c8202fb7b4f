import type { AddressInfo, Server } from 'node:net'
import { EXIT, StartError } from '../errors/start-error.ts'

/** How an operator moves each listener to another port. */
const PORT_SETTINGS: Readonly<Record<string, string>> = {
  proxy: 'proxy.port (or --port)',
  rest: 'proxy.http.port (or --http-port)',
  internal: 'proxy.internalPort',
  management: 'metrics.port (or --metrics-port)',
}

/**
 * Binds a server and returns the port in use (port 0 picks a free one). Throws `StartError`: exit 75 when the port is
 * taken (another start may work), 77 when this user may not have it, 78 when the host is not of this machine.
 */
export async function bind(server: Server, name: string, host: string, port: number): Promise<number> {
  try {
    await listenOn(server, host, port).catch((error: unknown) => {
      // `::` means every interface; a machine without IPv6 (many containers) has those of IPv4.
      if (host === '::' && /^(EAFNOSUPPORT|EADDRNOTAVAIL)$/.test(codeOf(error)))
        return listenOn(server, '0.0.0.0', port)
      throw error
    })
  } catch (error) {
    throw explain(error, name, host, port)
  }
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address ? address.port : port
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

function explain(error: unknown, name: string, host: string, port: number): StartError {
  const code = codeOf(error)
  const setting = PORT_SETTINGS[name] ?? `the port of ${name}`
  const where = `${host}:${port}`
  if (code === 'EADDRINUSE') {
    return new StartError(
      EXIT.temporary,
      `listener ${name}: port ${port} on ${host} is in use by another process`,
      `stop that process, or choose another port with ${setting}; 0 picks a free one`,
      { cause: error },
    )
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new StartError(
      EXIT.noPermission,
      `listener ${name}: this user may not listen on ${where}`,
      `choose a port above 1023 with ${setting}`,
      { cause: error },
    )
  }
  return new StartError(
    EXIT.config,
    `listener ${name}: cannot listen on ${where}: ${code}`,
    `give a host of this machine and a port with ${setting}`,
    { cause: error },
  )
}
