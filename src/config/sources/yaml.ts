import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  type Scalar,
} from 'yaml'
import { EXIT, StartError } from '../../errors/start-error.ts'
import type { Entry, Finding, Source } from '../finding.ts'

/** Turns a position in a text into the source to print: a text may itself stand inside another file. */
export type Locate = (line: number, column: number) => Source

/** A parsed YAML text with its positions. */
export interface YamlText {
  readonly text: string
  /** The root of each document that is not empty. */
  readonly roots: readonly ParsedNode[]
  readonly findings: readonly Finding[]
  /** Where a node begins. */
  sourceOf(node: Node): Source
  /** What an alias stands for; other nodes stand for themselves. */
  resolve(node: unknown): unknown
}

/** Locates positions of a whole file. */
export function inFile(file: string): Locate {
  return (line, column) => ({ kind: 'file', file, line, column })
}

/** Parses a text; what YAML objects to (duplicate keys too) becomes error findings with line and column. */
export function parseYaml(text: string, locate: Locate): YamlText {
  const lineCounter = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter, merge: true, prettyErrors: false })
  const documents = 'empty' in parsed ? [] : parsed
  const at = (offset: number): Source => {
    const { line, col } = lineCounter.linePos(offset)
    return locate(Math.max(line, 1), Math.max(col, 1))
  }
  const findings = documents.flatMap((document) =>
    document.errors.map((error): Finding => {
      const message = error.message.split('\n')[0]?.toLowerCase().replace(/\.$/, '') ?? 'unreadable'
      return {
        severity: 'error',
        key: null,
        message: `not valid YAML: ${message}`,
        hint: null,
        source: at(error.pos[0]),
      }
    }),
  )
  const resolve = (node: unknown): unknown => {
    if (!isAlias(node)) return node
    for (const document of documents) {
      const target = node.resolve(document)
      if (target !== undefined) return target
    }
    return undefined
  }
  return {
    text,
    roots: documents.map((document) => document.contents).filter((root) => root !== null),
    findings,
    sourceOf: (node) => at(node.range?.[0] ?? 0),
    resolve,
  }
}

/** The value under a path of plain keys, or undefined. */
export function lookUp(yaml: YamlText, root: unknown, path: readonly string[]): unknown {
  let node = yaml.resolve(root)
  for (const name of path) {
    if (!isMap(node)) return undefined
    node = yaml.resolve(node.get(name, true))
  }
  return node
}

/** The text under a path of plain keys, or null when there is no scalar. */
export function lookUpText(yaml: YamlText, root: unknown, path: readonly string[]): string | null {
  const node = lookUp(yaml, root, path)
  return isScalar(node) ? scalarText(node) : null
}

/** Pairs of a mapping, keys as text. */
export function pairsOf(yaml: YamlText, node: unknown): readonly { key: Scalar; name: string; value: unknown }[] {
  const map = yaml.resolve(node)
  if (!isMap(map)) return []
  return map.items.flatMap((item) =>
    isPair(item) && isScalar(item.key)
      ? [{ key: item.key, name: scalarText(item.key), value: yaml.resolve(item.value) }]
      : [],
  )
}

/** More keys than any configuration has: what aliases of aliases multiply to. */
const ENTRIES_MAX = 20_000
const DEPTH_MAX = 32

/**
 * Every leaf below a node as an entry with a dotted key; lists become comma-separated text as in Milvus. Scalars keep
 * the characters of the file, so that a password `007` stays one.
 * @throws StartError config: more keys or deeper nesting than a configuration has (an alias within itself)
 */
export function entriesOf(yaml: YamlText, root: unknown): readonly Entry[] {
  const entries: Entry[] = []
  const walk = (node: unknown, prefix: string, depth: number) => {
    if (entries.length > ENTRIES_MAX || depth > DEPTH_MAX) {
      throw new StartError(EXIT.config, `not a configuration: more than ${ENTRIES_MAX} keys, or nested in itself`)
    }
    for (const { key, name, value } of pairsOf(yaml, node)) {
      const path = prefix === '' ? name : `${prefix}.${name}`
      if (name === '<<') walk(value, prefix, depth + 1)
      else if (isMap(value)) walk(value, path, depth + 1)
      else entries.push({ key: path, ...leafText(yaml, value), source: yaml.sourceOf(key) })
    }
  }
  walk(root, '', 0)
  return entries
}

function leafText(yaml: YamlText, node: unknown): Pick<Entry, 'value' | 'items'> {
  if (node === null) return { value: '' }
  if (!isSeq(node)) return { value: itemText(node) }
  const items = node.items.map((item) => itemText(yaml.resolve(item)))
  return { value: items.join(','), items }
}

function itemText(node: unknown): string {
  return isScalar(node) ? scalarText(node) : JSON.stringify(node)
}

function scalarText(node: Scalar): string {
  if (node.value === null || node.value === undefined) return ''
  return node.type === 'PLAIN' && node.source !== undefined ? node.source : String(node.value)
}
