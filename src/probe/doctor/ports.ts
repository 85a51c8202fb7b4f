import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { type Check, fail, ok, skip } from '../check.ts'

/** A port that the server will open. */
export interface WantedPort {
  /** The key that says so. */
  readonly key: string
  readonly host: string
  readonly port: number
}

/** Whether each port can be had; `ownerPid` is the server that already runs on this data directory, if one does. */
export async function checkPorts(ports: readonly WantedPort[], ownerPid: number | null): Promise<readonly Check[]> {
  const checks: Check[] = []
  for (const wanted of ports) checks.push(await checkPort(wanted, ownerPid))
  return checks
}

async function checkPort({ key, host, port }: WantedPort, ownerPid: number | null): Promise<Check> {
  const first = await tryBind(host, port)
  // a machine without IPv6 has the interfaces of IPv4, as at the start
  const isWithout = host === '::' && (first === 'EAFNOSUPPORT' || first === 'EADDRNOTAVAIL')
  const code = isWithout ? await tryBind('0.0.0.0', port) : first
  if (code === null) return ok(key, port === 0 ? 'a free port is picked at the start' : `${port} is free`)
  if (code === 'EADDRINUSE') {
    const pid = await listenerOf(port)
    if (ownerPid !== null && (pid === null || pid === ownerPid)) {
      return ok(key, `${port} is open: the server of this data directory runs (pid ${ownerPid})`)
    }
    const who = pid === null ? 'another process' : `process ${pid} (${await nameOf(pid)})`
    return fail(key, `${port} is taken by ${who}`, `stop it, or set another ${key}`, 'portTaken')
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return fail(key, `this user may not listen on ${port}`, `set ${key} above 1023`, 'portTaken')
  }
  if (code === 'EADDRNOTAVAIL') {
    const fix = key === 'common.MetricsPort' ? 'correct redkite.metricsHost' : 'correct redkite.host'
    return fail(key, `${host} is no address of this machine`, fix, 'portTaken')
  }
  return skip(key, `${port} could not be tried: ${code}`)
}

/** Null: it could be bound. */
function tryBind(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve('code' in error ? String(error.code) : 'unknown'))
    server.listen({ host, port }, () => server.close(() => resolve(null)))
  })
}

/** The process that listens on a port, by Linux' /proc; null where that cannot be seen. */
async function listenerOf(port: number): Promise<number | null> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '')
    for (const line of text.split('\n')) {
      const fields = line.trim().split(/\s+/)
      // state 0A is LISTEN; field 9 the inode
      if (fields[3] === '0A' && fields[1]?.endsWith(`:${hex}`) && fields[9] !== undefined) inodes.add(fields[9])
    }
  }
  if (inodes.size === 0) return null
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of descriptors) {
      const link = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      if (inode !== undefined && inodes.has(inode)) return Number(pid)
    }
  }
  return null
}

async function nameOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown')).trim()
}
