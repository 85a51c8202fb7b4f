/**
 * The image without an engine: the packed package laid out by the very script that the Dockerfile runs, the very entry,
 * on a read-only root with Debian's files beneath it, its own processes and mounts, by bubblewrap. Users are the
 * machine's own, as in Docker without user namespaces.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { eventually } from '../support/eventually.ts'
import { root } from './support.ts'

/** Why nothing of this can run here; false = it can. */
export function noContainers(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can play the engine'
  const absent = ['bwrap', 'tini', 'setpriv', 'npm'].find((name) => spawnSync(name, ['--version']).status !== 0)
  return absent === undefined ? false : `${absent} is not installed (deploy/ci/install-tools.sh)`
}

/** What the image's entry may use of root's power under Docker with `cap_drop: [ALL]` and our `cap_add`. */
export const ENTRY_CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP']

/** The image's root, made below `directory` from the built checkout. */
export function makeImage(directory: string): string {
  const image = join(directory, 'image')
  for (const place of [
    'usr',
    'proc',
    'dev',
    'tmp',
    'etc',
    'run',
    'opt',
    'var/lib/milvus',
    'milvus/configs',
    'milvus/tls',
  ]) {
    mkdirSync(join(image, place), { recursive: true, mode: 0o755 })
  }
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(image, name))
  symlinkSync('/usr/bin/tini', join(image, 'tini'))
  writeFileSync(join(image, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nredkite:x:10001:0::/var/lib/milvus:/bin/sh\n')
  copyFileSync(join(root, 'deploy/docker/milvus.yaml'), join(image, 'milvus/configs/milvus.yaml'))
  copyFileSync(join(root, 'deploy/docker/entrypoint.sh'), join(image, 'entrypoint.sh'))
  must(spawnSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory], { cwd: root }))
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz')) ?? ''
  const install = join(root, 'deploy/docker/install.sh')
  must(spawnSync(install, [join(directory, tarball), join(root, 'package-lock.json'), join(image, 'opt/redkite')]))
  return image
}

function must(ran: ReturnType<typeof spawnSync>): void {
  if (ran.status !== 0) throw new Error(`${ran.stderr}${ran.stdout}`)
}

export interface ContainerOptions {
  readonly image: string
  /** What is mounted, by the path inside; `ro` is added for read-only. */
  readonly mounts: Readonly<Record<string, string>>
  readonly command: readonly string[]
  /** Who the entry starts as; default root. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  readonly capabilities?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** As in an engine that this user of the machine started for himself: the root inside is he. */
  readonly rootlessFor?: number
}

export interface Container extends AsyncDisposable {
  readonly process: ChildProcess
  output(): string
  /** Polls until the output matches. */
  says(pattern: RegExp): Promise<void>
  /** The end of it. */
  exit(): Promise<number | null>
  /** `/proc/<pid>/status` of every process in it, by pid on this machine. */
  processes(): ReadonlyMap<number, string>
}

const ENVIRONMENT = {
  PATH: '/opt/redkite/bin:/usr/bin:/bin',
  REDKITE_DATADIR: '/var/lib/milvus',
  REDKITE_METRICSHOST: '::',
}

/** Starts a container. */
export function startContainer(options: ContainerOptions): Container {
  const { image, mounts, user, capabilities = ENTRY_CAPABILITIES } = options
  const flags = [
    '--ro-bind',
    image,
    '/',
    '--ro-bind',
    '/usr',
    '/usr',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
  ]
  for (const [inside, outside] of Object.entries(mounts)) {
    const [path = inside, mode] = inside.split(':')
    flags.push(mode === 'ro' ? '--ro-bind' : '--bind', outside, path)
  }
  flags.push('--unshare-pid', '--unshare-ipc', '--unshare-uts', '--as-pid-1', '--die-with-parent', '--cap-drop', 'ALL')
  // what an engine does by itself for a user that is given
  const startAs =
    user === undefined
      ? []
      : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, `--groups=${user.groups.join(',')}`]
  for (const capability of user === undefined ? capabilities : ENTRY_CAPABILITIES) flags.push('--cap-add', capability)
  flags.push('--clearenv', '--chdir', '/milvus')
  for (const [name, value] of Object.entries({ ...ENVIRONMENT, ...options.env })) flags.push('--setenv', name, value)
  const child = spawnIn(options.rootlessFor, ['bwrap', ...flags, ...startAs, '/entrypoint.sh', ...options.command])
  const exited = once(child, 'close')
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part))
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      // the engine's stop: TERM to the first process of the container
      const [first] = descendants(child.pid ?? 0).keys()
      if (first !== undefined) process.kill(first, 'SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await exited
      clearTimeout(timer)
    }
  }
  return {
    process: child,
    output: () => text,
    says: (pattern) =>
      eventually(() => pattern.test(text) || (child.exitCode !== null && failed(pattern, text)), 20_000),
    exit: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await exited
      clearTimeout(timer)
      return child.exitCode
    },
    processes: () => descendants(child.pid ?? 0),
    [Symbol.asyncDispose]: stop,
  }
}

/** In a user namespace whose users are those of the machine from `root` on, or in the machine's own. */
function spawnIn(
  root: number | undefined,
  command: readonly string[],
): ChildProcessByStdio<Writable, Readable, Readable> {
  const [program = '', ...args] =
    root === undefined ? command : ['unshare', '--user', 'sh', '-c', 'read _; exec "$@"', 'sh', ...command]
  const user = root === undefined ? {} : { uid: root, gid: root }
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], ...user })
  if (root !== undefined) void mapUsers(child.pid ?? 0, root).then(() => child.stdin.end('\n'))
  return child
}

async function mapUsers(pid: number, root: number): Promise<void> {
  const own = readlinkSync('/proc/self/ns/user')
  await eventually(() => readlinkSync(`/proc/${pid}/ns/user`) !== own)
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, `0 ${root} 20000\n`)
}

function failed(pattern: RegExp, text: string): never {
  throw new Error(`it ended without saying ${pattern}:\n${text}`)
}

function descendants(pid: number): Map<number, string> {
  const found = new Map<number, string>()
  const children = readIfThere(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((text) => text !== '')
  for (const child of children.map(Number)) {
    found.set(child, readIfThere(`/proc/${child}/status`))
    for (const [below, status] of descendants(child)) found.set(below, status)
  }
  return found
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
