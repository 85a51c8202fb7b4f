import { EXIT, StartError } from '../errors/start-error.ts'

/** Where a value was given. Lines and columns count from 1. */
export type Source =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string }

/** `milvus.yaml:12:7`, `environment TLS_SERVERPEMPATH`, `flag --port`, `default`. */
export function sourceText(source: Source): string {
  switch (source.kind) {
    case 'default':
      return 'default'
    case 'file':
      return `${source.file}:${source.line}:${source.column}`
    case 'environment':
      return `environment ${source.variable}`
    case 'flag':
      return `flag ${source.flag}`
  }
}

/** What reading the configuration found: `error` keeps the server from starting. */
export interface Finding {
  readonly severity: 'error' | 'warn' | 'info'
  /** The key as it was written; null where it is about a whole file. */
  readonly key: string | null
  /** One line that names what was seen. */
  readonly message: string
  /** What to do about it. */
  readonly hint: string | null
  readonly source: Source | null
}

/** A key and its value as given by one source, before any type is applied. */
export interface Entry {
  /** As written there, parts joined by dots. */
  readonly key: string
  readonly value: string
  /** The items one by one, where the source has a list; `value` joins them with commas, as Milvus does. */
  readonly items?: readonly string[]
  readonly source: Source
}

/** What one source of configuration gives. */
export interface SourceResult {
  readonly entries: readonly Entry[]
  readonly findings: readonly Finding[]
}

/** `milvus.yaml:12:7: <message>`: the line of a finding, without its hint. */
export function findingText(finding: Finding): string {
  if (finding.source === null || finding.source.kind === 'default') return finding.message
  return `${sourceText(finding.source)}: ${finding.message}`
}

/** A configuration that cannot be used, as the end of a start: the first error, and how many more there are. */
export function configError(findings: readonly Finding[]): StartError | null {
  const [first, ...others] = findings.filter((finding) => finding.severity === 'error')
  if (first === undefined) return null
  const hints = [first.hint, ...others.map((other) => `also: ${findingText(other)}`)].filter((hint) => hint !== null)
  return new StartError(EXIT.config, findingText(first), hints.length === 0 ? null : hints.join('\n'))
}
