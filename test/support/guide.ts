/**
 * Runs the fenced blocks of a guide as a reader would, in order, in one directory:
 * `sh`, `python`, `js` must succeed (`sh fails`: must not); `sh server` starts the server that the next blocks talk to,
 * `sh node` another one beside it, which keeps its own ports;
 * `yaml file=NAME` is written; each line of a `text` block must be in the output of the block before, of a `text log`
 * block in the server's log, `…` standing for anything. The ports of the text are replaced by free ones.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { main, temporary } from './server.ts'
import { curl, openssl, python, run } from './tools.ts'

const LOG_MS_MAX = 10_000

export interface Block {
  readonly line: number
  /** The words after the fence: `sh`, `fails`. */
  readonly info: readonly string[]
  readonly text: string
}

/** The fenced blocks of a Markdown text. */
export function fencedBlocks(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\S[^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    info: (match[1] ?? '').trim().split(/\s+/),
    text: match[2] ?? '',
  }))
}

/** Why a block cannot run on this machine; false = it can. */
export function cannotRun({ info, text }: Block): string | false {
  if (info[0] === 'python') return python.skip
  if (info[0] !== 'sh') return false
  if (process.platform === 'win32') return 'no POSIX shell'
  return (/\bcurl\b/.test(text) && curl.skip) || (/\bopenssl\b/.test(text) && openssl.skip)
}

/** One reader at work on one guide. */
export class Reader implements AsyncDisposable {
  readonly #place = temporary()
  readonly #ports: ReadonlyMap<string, number>
  #server: ChildProcess | null = null
  readonly #nodes: ChildProcess[] = []
  #log = ''
  #output: string | null = ''

  private constructor(ports: ReadonlyMap<string, number>) {
    this.#ports = ports
    const bin = join(this.#place.path, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'redkite'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`)
    chmodSync(join(bin, 'redkite'), 0o755)
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(this.#place.path, 'node_modules'))
  }

  static async open(): Promise<Reader> {
    return new Reader(
      new Map(
        await Promise.all(['19530', '8080', '9091', '19529', '19531'].map(async (p) => [p, await freePort()] as const)),
      ),
    )
  }

  /** Does what a block says. A block that was skipped leaves no output, and what is said of it is not looked at. */
  async follow(block: Block): Promise<void> {
    const { info } = block
    const text = this.#withPorts(block.text)
    const [kind, more = ''] = info
    if (kind === 'yaml') return writeFileSync(join(this.#place.path, more.replace('file=', '')), text)
    if (kind === 'text') return more === 'log' ? this.#expectLog(text) : this.#expectOutput(text)
    this.#output = null
    if (cannotRun(block) !== false) return
    if (kind === 'sh' && (more === 'server' || more === 'node')) {
      await (more === 'server' ? this.#serve(text) : this.#serveBeside(text))
      this.#output = ''
      return
    }
    const ran = await this.#run(kind ?? '', text)
    this.#output = ran.stdout + ran.stderr
    if (more === 'fails') assert.notEqual(ran.exitCode, 0, `it succeeded: ${this.#output}`)
    else assert.equal(ran.exitCode, 0, `${this.#output}\nserver log:\n${this.#log}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#server, ...this.#nodes]) await stop(server)
    this.#place[Symbol.dispose]()
  }

  #run(kind: string, text: string) {
    const options = { cwd: this.#place.path, env: { ...this.#environment, PYTHONWARNINGS: 'ignore' } }
    switch (kind) {
      case 'sh':
        return run('sh', ['-e', '-c', text], options)
      case 'python':
        return run(python.path, ['-c', text], options)
      case 'js':
        writeFileSync(join(this.#place.path, 'block.mjs'), text)
        return run(process.execPath, ['block.mjs'], options)
      default:
        throw new Error(`nobody runs a block of kind ${kind}`)
    }
  }

  get #environment(): Readonly<Record<string, string>> {
    return { PATH: `${join(this.#place.path, 'bin')}:${process.env['PATH'] ?? ''}` }
  }

  async #serve(text: string): Promise<void> {
    await stop(this.#server)
    this.#log = ''
    this.#server = await this.#start(
      text,
      `--port ${this.#ports.get('19530')} --metrics-port ${this.#ports.get('9091')}`,
    )
  }

  async #serveBeside(text: string): Promise<void> {
    this.#nodes.push(await this.#start(text, '--metrics-port 0'))
  }

  async #start(text: string, ports: string): Promise<ChildProcess> {
    const ready = join(this.#place.path, `ready-${Date.now()}.json`)
    const flags = `${ports} --ready-file ${ready}`
    const server = spawn('sh', ['-c', `exec ${text.trim()} ${flags}`], {
      cwd: this.#place.path,
      env: { ...this.#environment, HOME: this.#place.path },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (this.#log += chunk))
    }
    await eventually(() => {
      assert.equal(server.exitCode, null, this.#log)
      return existsSync(ready)
    }, 30_000)
    return server
  }

  #expectOutput(text: string): void {
    if (this.#output === null) return
    for (const line of lines(text)) assert.match(this.#output, line)
  }

  async #expectLog(text: string): Promise<void> {
    if (this.#output === null) return
    const wanted = lines(text)
    const deadline = Date.now() + LOG_MS_MAX
    await eventually(() => wanted.every((line) => line.test(this.#log)) || Date.now() > deadline, 2 * LOG_MS_MAX)
    for (const line of wanted) assert.match(this.#log, line)
  }

  #withPorts(text: string): string {
    return [...this.#ports].reduce((done, [from, to]) => done.replaceAll(from, String(to)), text)
  }
}

async function stop(server: ChildProcess | null): Promise<void> {
  if (server === null || server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGTERM')
  await once(server, 'exit')
}

/** Each line as a pattern. */
function lines(text: string): RegExp[] {
  const escaped = (part: string) =>
    part
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .trim()
      .replace(/\s+/g, '\\s+')
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => new RegExp(line.split('…').map(escaped).join('.*')))
}

/** The guide's text, from the repository's root. */
export function readGuide(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
}
