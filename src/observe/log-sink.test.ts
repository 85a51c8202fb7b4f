import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Secret } from '../model/calls.ts'
import { createLog, type LogSettings, type LogSink } from './log-sink.ts'
import { textLine } from './text-line.ts'

const root = mkdtempSync(join(tmpdir(), 'redkite-log-'))
after(() => rmSync(root, { recursive: true, force: true }))

const AT = new Date(2026, 6, 9, 7, 44, 9, 945)
const HEAD = /^\[2026\/07\/09 07:44:09\.945 [+-]\d\d:\d\d\] /

/** A line without its time, which ends in this machine's zone. */
function line(message: string, fields: Readonly<Record<string, unknown>> = {}): string {
  const text = textLine(AT, 'info', 'tls/material.ts', message, fields)
  assert.match(text, HEAD)
  return text.replace(HEAD, '')
}

let files = 0
function openLog(settings: Partial<LogSettings>): { log: LogSink; path: string; lines(): string[] } {
  const filename = `${files++}.log`
  const path = join(root, filename)
  const log = createLog({
    level: 'info',
    format: 'text',
    console: false,
    file: { rootPath: root, filename },
    ...settings,
  })
  return { log, path, lines: () => readFileSync(path, 'utf8').split('\n').slice(0, -1) }
}

describe("Milvus' text form", () => {
  it('is that of the line users are told to look for', () => {
    const text = textLine(AT, 'info', 'utils/util.go:56', 'Internal TLS Enabled', { value: true })
    assert.equal(text.replace(HEAD, ''), '[INFO] [utils/util.go:56] ["Internal TLS Enabled"] [value=true]\n')
  })

  it('quotes what holds blanks, brackets, quotes, equal signs or control characters, and nothing else', () => {
    assert.equal(line('started'), '[INFO] [tls/material.ts] [started]\n')
    const fields = {
      plain: 'a,b/c:1',
      blank: 'a b',
      bracket: '[x]',
      quote: '"',
      equals: 'a=b',
      line: 'a\nb',
      empty: '',
    }
    assert.equal(
      line('x', fields),
      '[INFO] [tls/material.ts] [x] [plain=a,b/c:1] [blank="a b"] [bracket="[x]"] [quote="\\""] [equals="a=b"] [line="a\\nb"] [empty=""]\n',
    )
  })

  it('cannot be made to forge a line', () => {
    const forged = line('x', { name: 'a] [level=zz]\n[2026/07/09 07:44:09.945 +00:00] [ERROR] [x] [y]' })
    assert.equal(forged.split('\n').length, 2)
  })

  it('prints every kind of value', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const fields = {
      count: 3,
      id: 9007199254740993n,
      password: new Secret('hunter2'),
      nested: { password: new Secret('hunter2'), id: 1n },
      error: new Error('no', { cause: new Error('why') }),
      none: null,
      absent: undefined,
      cycle,
    }
    const expected = [
      '[count=3] [id=9007199254740993] [password=***] [nested="{\\"password\\":\\"***\\",\\"id\\":\\"1\\"}"]',
      '[error="no: why"] [none=null] [cycle=(unprintable)]\n',
    ].join(' ')
    assert.equal(line('x', fields), `[INFO] [tls/material.ts] [x] ${expected}`)
  })
})

describe('the log', () => {
  it('prints JSON with Milvus names, and keeps them from fields of the same name', () => {
    const { log, lines } = openLog({ format: 'json' })
    log.at('a.ts').warn('two words', { value: 1n, password: new Secret('hunter2'), level: 'x', message: 'y' })
    const [first = ''] = lines()
    assert.equal(first.match(/"message":/g)?.length, 1)
    const { time, ...rest }: Record<string, unknown> = JSON.parse(first)
    assert.ok(typeof time === 'string' && Math.abs(Date.parse(time) - Date.now()) < 60_000)
    assert.deepEqual(rest, {
      level: 'warn',
      caller: 'a.ts',
      value: '1',
      password: '***',
      level_: 'x',
      message_: 'y',
      message: 'two words',
    })
  })

  it('changes its level while it runs, for callers made before too', () => {
    const { log, lines } = openLog({ level: 'warn' })
    const caller = log.at('a.ts')
    caller.info('one')
    log.setLevel('debug')
    caller.debug('two')
    log.setLevel('fatal')
    caller.error('three')
    assert.deepEqual(
      lines().map((text) => text.replace(/^.*\[/, '[')),
      ['[two]'],
    )
    assert.equal(log.level(), 'fatal')
  })

  it('opens its file anew after it was moved away', () => {
    const { log, path, lines } = openLog({})
    log.info('one')
    renameSync(path, `${path}.1`)
    log.reopen()
    log.info('two')
    assert.equal(lines().length, 1)
    assert.ok(existsSync(`${path}.1`))
  })

  it('never throws while writing', () => {
    const { log } = openLog({})
    const hostile = {
      get trap(): string {
        throw new Error('trap')
      },
    }
    log.info('x', hostile)
    log.info('x', { value: { toJSON: () => assert.fail('trap') } })
  })
})
