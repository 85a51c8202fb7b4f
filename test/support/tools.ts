/** Programs that a test needs beyond Node; where one is absent the test is skipped and says why. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

export interface Tool {
  readonly path: string
  /** Why tests that need it are skipped; false = it is there. */
  readonly skip: string | false
}

function find(program: string, probe: readonly string[], what: string): Tool {
  const run = spawnSync(program, probe, { stdio: 'ignore' })
  return { path: program, skip: run.status === 0 ? false : `${what} is not installed` }
}

export const openssl = find('openssl', ['version'], 'openssl')
export const curl = find('curl', ['--version'], 'curl')
/** A Python that can import pymilvus; `REDKITE_TEST_PYTHON` names it. */
export const python = find(
  process.env['REDKITE_TEST_PYTHON'] ?? 'python3',
  ['-c', 'import pymilvus'],
  'a Python with pymilvus (REDKITE_TEST_PYTHON)',
)

/** A program by its name alone, for those that have no harmless way to be called. */
export function onPath(program: string, debianPackage: string): Tool {
  const isThere = spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
  return { path: program, skip: isThere ? false : `${program} is not installed (Debian: ${debianPackage})` }
}

export interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, with `input` on its standard input. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // a test runner that is started by a test must not take itself for its part
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  await once(child, 'close')
  return { exitCode: child.exitCode, stdout, stderr }
}

/** Runs a Python program given as text. */
export function runPython(program: string, args: readonly string[] = []): Promise<Ran> {
  return run(python.path, ['-', ...args], { input: program, env: { PYTHONWARNINGS: 'ignore' } })
}

/**
 * A clock for child processes: Debian's `faketime`, as environment variables, so that the process is ours and not a
 * child of a wrapper. `offset` is `+30d`, `-1h`.
 */
export const faketime = findFaketime()

function findFaketime(): { readonly skip: string | false; at(offset: string): Readonly<Record<string, string>> } {
  const run = spawnSync('faketime', ['-m', '-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })
  const library = run.status === 0 ? run.stdout.trim() : ''
  return {
    skip: library === '' ? 'faketime is not installed' : false,
    at: (offset) => ({ LD_PRELOAD: library, FAKETIME: offset }),
  }
}
