/** What `openssl s_client` can do to a server that Node's client cannot: renegotiate, and change its keys at will. */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { openssl } from '../../support/tools.ts'

export interface ClientFiles {
  readonly port: number
  readonly ca: string
  readonly pair: { readonly cert: string; readonly key: string } | null
}

function client(
  { port, ca, pair }: ClientFiles,
  version: '-tls1_2' | '-tls1_3',
): { child: ChildProcess; said(): string } {
  const own = pair ? ['-cert', pair.cert, '-key', pair.key] : []
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-CAfile', ca, version, ...own]
  const child = spawn(openssl.path, args, { stdio: 'pipe' })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  child.stdin.on('error', () => {})
  return { child, said: () => said }
}

async function ready(said: () => string, pattern: RegExp, limitMs = 10_000): Promise<void> {
  const end = Date.now() + limitMs
  while (!pattern.test(said())) {
    if (Date.now() > end) throw new Error(`openssl did not say ${pattern}: ${said().slice(-500)}`)
    await wait(5)
  }
}

/** Asks for new keys in both directions, over and over; tells whether the connection still stood at the end. */
export async function keyUpdates(files: ClientFiles, count: number): Promise<{ sent: number; open: boolean }> {
  const { child, said } = client(files, '-tls1_3')
  await ready(said, /Verify return code/)
  let sent = 0
  // one command a read: s_client looks at the first letter of what it reads
  for (; sent < count && child.exitCode === null; sent += 1) {
    const before = said().length
    child.stdin?.write('K\n')
    await ready(() => said().slice(before), /KEYUPDATE|closed|errno/i, 2_000).catch(() => {})
  }
  const open = child.exitCode === null
  child.kill('SIGKILL')
  return { sent, open }
}

/** Asks for a renegotiation; what OpenSSL says of the answer. */
export async function renegotiations(files: ClientFiles): Promise<string> {
  const { child, said } = client(files, '-tls1_2')
  await ready(said, /Verify return code/)
  child.stdin?.write('R\n')
  await ready(said, /no renegotiation|closed/)
  child.kill('SIGKILL')
  return said()
}
