import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { EXIT } from '../../errors/start-error.ts'
import { Secret } from '../../model/calls.ts'
import { MaterialFault } from '../fault.ts'
import { readSmallFile, UnreadableFile } from '../read-file.ts'
import { ownKey } from '../settings.ts'
import type { Located } from './locate.ts'

const COMMAND_TIMEOUT_MS = 10_000
const LINGER_MS = 500
const OUTPUT_BYTES_MAX = 65_536
/** As much of what a failed program wrote as helps. */
const QUOTED_CHARACTERS_MAX = 300

/** A passphrase file as read, with what decides who else can read it. */
export interface PassphraseFile {
  readonly key: string
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly passphrase: Secret
}

/**
 * The passphrase file of the settings; null where none is named. Its first line counts, without the line end.
 * @throws MaterialFault
 */
export async function readPassphraseFile(
  settings: Pick<Located, 'passphrase' | 'section'>,
): Promise<PassphraseFile | null> {
  const { passphrase: source, section = 'tls' } = settings
  if (source?.kind !== 'file') return null
  const key = ownKey(section, 'passphraseFile')
  const path = resolve(source.path)
  try {
    const { bytes, mode, uid, gid } = await readSmallFile(path)
    const passphrase = firstLine(bytes)
    if (passphrase === '') {
      const hint = 'write the passphrase into its first line'
      throw new MaterialFault(EXIT.config, `${key}: ${path}: the first line is empty`, hint)
    }
    return { key, path, mode, uid, gid, passphrase: new Secret(passphrase) }
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error
    throw new MaterialFault(error.exitCode, `${key}: ${error.message}`, `correct ${key}, or make the file readable`)
  }
}

/**
 * Runs the passphrase command: split into words like a shell does with quotes, but run without one, so that nothing
 * is expanded. Ten seconds; the first line of its output counts. What it says on stderr is quoted in the fault, with
 * the passphrase struck out; its arguments never are, they may hold a token.
 * @throws MaterialFault; `temporary` where the program failed or took too long: the next attempt may do
 */
export async function runPassphraseCommand(command: Secret, section: string): Promise<Secret> {
  const key = ownKey(section, 'passphraseCommand')
  const [program, ...args] = splitWords(command.reveal())
  if (program === undefined) {
    throw new MaterialFault(EXIT.config, `${key}: the command is empty or a quote is open`, `correct ${key}`)
  }
  const failed = (text: string) =>
    new MaterialFault(EXIT.temporary, `${key}: ${program} ${text}`, 'run the command by hand as the server’s user')
  const ran = await run(program, args)
  if (ran.kind === 'notStarted') {
    const hint = `correct ${key}: it is run without a shell, from ${process.cwd()}`
    throw new MaterialFault(EXIT.config, `${key}: cannot run ${program}: ${ran.code}`, hint)
  }
  const passphrase = firstLine(ran.stdout)
  const said = quote(ran.stderr.toString('utf8'), passphrase)
  if (ran.kind === 'tookTooLong') throw failed(`gave no answer within ${COMMAND_TIMEOUT_MS / 1000} s${said}`)
  if (ran.kind === 'tooMuch') throw failed(`printed more than ${OUTPUT_BYTES_MAX} bytes`)
  if (ran.code !== 0) throw failed(`ended with ${ran.code ?? ran.signal}${said}`)
  if (passphrase === '') throw failed(`printed an empty first line${said}`)
  return new Secret(passphrase)
}

type Ran = { readonly stdout: Buffer; readonly stderr: Buffer } & (
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'tookTooLong' }
  | { readonly kind: 'tooMuch' }
)

/** The program gets its own process group: what it left running is ended with it, and cannot hold its output open. */
function run(program: string, args: readonly string[]): Promise<Ran | { readonly kind: 'notStarted'; code: string }> {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, windowsHide: true })
    const out: Buffer[] = []
    const err: Buffer[] = []
    const output = () => ({ stdout: Buffer.concat(out), stderr: Buffer.concat(err) })
    let isDone = false
    const finish = (ran: Ran | { readonly kind: 'notStarted'; code: string }) => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      endGroup(child.pid)
      child.stdout.destroy()
      child.stderr.destroy()
      done(ran)
    }
    const timer = setTimeout(() => finish({ kind: 'tookTooLong', ...output() }), COMMAND_TIMEOUT_MS)
    const take = (into: Buffer[]) => (chunk: Buffer) => {
      into.push(chunk)
      if (into.reduce((sum, part) => sum + part.length, 0) > OUTPUT_BYTES_MAX) finish({ kind: 'tooMuch', ...output() })
    }
    child.stdout.on('data', take(out))
    child.stderr.on('data', take(err))
    child.on('error', (error) => finish({ kind: 'notStarted', code: 'code' in error ? String(error.code) : 'failed' }))
    child.on('exit', (code, signal) => {
      const ended = () => finish({ kind: 'ended', code, signal, ...output() })
      child.on('close', ended)
      // what it left running may keep its output open: then what was written has arrived long ago
      setTimeout(ended, LINGER_MS)
    })
  })
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined || process.platform === 'win32') return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing of it is left
  }
}

function firstLine(bytes: Buffer): string {
  return bytes.toString('utf8').split(/\r?\n/, 1)[0] ?? ''
}

function quote(said: string, passphrase: string): string {
  const line = said.trim().replaceAll(/\s+/g, ' ')
  if (line === '') return ''
  const clean = passphrase === '' ? line : line.replaceAll(passphrase, '***')
  return `: ${clean.slice(0, QUOTED_CHARACTERS_MAX)}`
}

/** Words between blanks; 'single' and "double" quotes keep blanks. Empty where a quote stays open. */
export function splitWords(command: string): readonly string[] {
  if (!/^(?:[^'"]|'[^']*'|"[^"]*")*$/.test(command)) return []
  const words = command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []
  return words.map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double ?? ''))
}
