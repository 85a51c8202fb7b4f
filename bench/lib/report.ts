/** Figures of several rounds, and how they are shown: a table on stdout, a JSON file beside it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheDirectory } from '../datasets.ts'

export type Cell = string | number
export type Row = Readonly<Record<string, Cell>>

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [below, above] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]]
  return ((below ?? Number.NaN) + (above ?? Number.NaN)) / 2
}

/** (max - min) / median: how far to trust the median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values)
}

/** Three digits that matter. */
export function short(value: number): Cell {
  if (!Number.isFinite(value)) return '-'
  if (Math.abs(value) >= 100) return Math.round(value)
  return Number(value.toPrecision(3))
}

export const percent = (share: number): string => (Number.isFinite(share) ? `${Math.round(share * 100)} %` : '-')

/** Columns padded to their widest cell, numbers to the right; plain text that a note can quote. */
export function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) => names.map((name) => String(row[name] ?? '')))
  const isNumber = names.map((name) => rows.every((row) => typeof (row[name] ?? 0) === 'number'))
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const line = (texts: readonly string[]) => {
    const padded = texts.map((text, i) => (isNumber[i] ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0)))
    return `| ${padded.join(' | ')} |`
  }
  const rule = `|${widths.map((width, i) => (isNumber[i] ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`
  return [line(names), rule, ...cells.map(line)].join('\n')
}

/** What the figures depend on. */
export function machine(): Readonly<Record<string, Cell>> {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    openssl: process.versions.openssl,
    commit: commit(),
    load: short(loadavg()[0] ?? 0),
  }
}

function commit(): string {
  try {
    const args = ['rev-parse', '--short', 'HEAD']
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

export interface Report {
  readonly title: string
  readonly rows: readonly Row[]
  /** Sentences below the table. */
  readonly notes?: readonly string[]
  /** Everything measured, for the JSON file. */
  readonly raw: unknown
}

/** Prints the table, writes the JSON. `json` null = a file under `.cache/bench/`. */
export function publish(name: string, json: string | null, report: Report): void {
  const facts = machine()
  const path = json ?? join(cacheDirectory(), 'bench', `${name}-${String(facts['date']).replaceAll(':', '')}.json`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify({ bench: name, machine: facts, ...report }, null, 2)}\n`)
  const { processor, cores, node, openssl, load } = facts
  process.stdout.write(`${report.title}\n${table(report.rows)}\n`)
  for (const note of report.notes ?? []) process.stdout.write(`${note}\n`)
  process.stdout.write(`${cores} x ${processor}, Node ${node}, OpenSSL ${openssl}, load ${load}; ${path}\n`)
}
