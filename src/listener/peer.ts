import type { Socket } from 'node:net'

/**
 * Who is at the other end: the address alone (for limits) and `address:port` (for logs). An IPv4 client of a
 * dual-stack port is called by its IPv4 address. Null when the connection is gone.
 */
export function peerOf(socket: Socket): { readonly address: string; readonly peer: string } | null {
  const { remoteAddress, remotePort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return null
  const address = remoteAddress.replace(/^::ffff:(?=[\d.]+$)/, '')
  return { address, peer: address.includes(':') ? `[${address}]:${remotePort}` : `${address}:${remotePort}` }
}
