import type { Entry, Finding } from './finding.ts'
import { sourceText } from './finding.ts'
import { foldKey, foldLeaf, nearest } from './fold.ts'
import { NO_EFFECT } from './schema/no-effect.ts'
import { findKey, type Key, keys, keyTable } from './schema.ts'

const noEffect: ReadonlySet<string> = new Set(NO_EFFECT.map(foldKey))

/** Whether this is a key of Milvus that has no meaning here. */
export function isWithoutEffect(key: string): boolean {
  const parts = key.split('.')
  return parts.some((_, index) => noEffect.has(foldKey(parts.slice(0, index + 1).join('.'))))
}

/** Leaf names of old or misremembered keys, and what stands for them today. */
const REPLACED: ReadonlyMap<string, Key> = new Map([
  ['tlsenabled', 'common.security.tlsMode'],
  ['tls.enabled', 'common.security.tlsMode'],
  ['tls.mode', 'common.security.tlsMode'],
  ['tls.certpath', 'tls.serverPemPath'],
  ['tls.keypath', 'tls.serverKeyPath'],
])

/**
 * The key that was meant: another name of it, the same leaf in the wrong place (the operator's samples nest `tls`
 * under `common`), or a slip of the pen. Null where nothing is near.
 */
export function suggestKey(written: string): Key | null {
  const lower = written.toLowerCase()
  const replaced = REPLACED.get(lower) ?? REPLACED.get(foldLeaf(written))
  if (replaced !== undefined) return replaced
  const near = nearest(written, keys)
  const sameLeaf = keys.filter((key) => foldLeaf(key) === foldLeaf(written))
  const [misplaced] = sameLeaf.sort((left, right) => sharedParts(right, written) - sharedParts(left, written))
  const found = misplaced ?? near
  return keys.find((key) => key === found) ?? null
}

/** How many of the parts of `key` stand somewhere in `written`: tells `tls.caPemPath` from `internaltls.caPemPath`. */
function sharedParts(key: string, written: string): number {
  const parts = new Set(written.toLowerCase().split('.'))
  return key
    .toLowerCase()
    .split('.')
    .filter((part) => parts.has(part)).length
}

/**
 * What is wrong with a key that nothing reads. It is an error where ignoring it could leave a door open or the author
 * plainly talked to us: under `common.security`, under `redkite`, and on the command line.
 */
export function unknownKey(entry: Entry): Finding {
  const suggestion = suggestKey(entry.key)
  const lower = entry.key.toLowerCase()
  const isStrict = lower.startsWith('redkite.') || lower.startsWith('common.security.') || entry.source.kind === 'flag'
  return {
    severity: isStrict ? 'error' : 'warn',
    key: entry.key,
    message: `${entry.key} is read by nothing`,
    hint: suggestion === null ? null : `did you mean ${suggestion}?`,
    source: entry.source,
  }
}

/**
 * What was given without effect, as one line: whole foreign sections with their number of keys, and by name the keys of
 * the table whose value was changed in vain.
 */
export function noEffectFinding(entries: readonly Entry[]): Finding | null {
  const counts = new Map<string, number>()
  const names = new Set<string>()
  for (const { key, value } of entries) {
    const known = findKey(key)
    if (known !== null) {
      if (value.trim() !== keyTable[known.key].default) names.add(known.key)
      continue
    }
    const section = `${key.split('.')[0]}.*`
    counts.set(section, (counts.get(section) ?? 0) + 1)
  }
  const parts = [...names, ...[...counts].map(([section, number]) => `${section} (${number})`)]
  if (parts.length === 0) return null
  return {
    severity: 'info',
    key: null,
    message: `accepted, no effect here: ${parts.join(', ')}`,
    hint: null,
    source: null,
  }
}

/** For messages about a value that never arrived: where it stands instead, if it was misplaced. */
export function misplacedHint(key: Key, findings: readonly Finding[]): string | null {
  const found = findings.find((finding) => finding.hint === `did you mean ${key}?` && finding.source !== null)
  if (found?.source === null || found === undefined) return null
  return `${found.key} (${sourceText(found.source)}) is read by nothing: write it as ${key}`
}
