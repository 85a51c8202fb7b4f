import { fault } from '../errors/error.ts'
import type { ErrorKind } from '../errors/table.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const PARTITION = /^[A-Za-z0-9_][A-Za-z0-9_-]*$/
const INDEX = /^[A-Za-z_][A-Za-z0-9_[\]]*$/

/** Words that cannot name a field, since filters use them (Milvus 2.6 `keywords`). */
const KEYWORDS = new Set(
  [
    '$meta like exists and or not in json_contains json_contains_all json_contains_any array_contains',
    'array_contains_all array_contains_any array_length true True TRUE false False FALSE text_match phrase_match',
  ]
    .join(' ')
    .split(' ')
    .flatMap((word) => [word, word.toUpperCase()]),
)

/** The rule for collections, aliases, databases and fields, with Milvus' wording; `bytesMax` is `proxy.maxNameLength`. */
function checkName(name: string, bytesMax: number, what: string, kind: ErrorKind, trim = true): void {
  const shown = trim ? name.trim() : name
  const prefix = `Invalid ${what}: ${shown}. `
  if (shown === '') throw fault(kind, `${what} should not be empty`)
  if (Buffer.byteLength(shown) > bytesMax) {
    throw fault(kind, `${prefix} the length of ${what} must be not greater than limit, limit: ${bytesMax}`)
  }
  if (!/^[A-Za-z_]/.test(shown)) {
    throw fault(kind, `${prefix} the first character of a ${what} must be an underscore or letter`)
  }
  if (!NAME.test(shown)) throw fault(kind, `${prefix} ${what} can only contain numbers, letters and underscores`)
}

export function checkCollectionName(name: string, bytesMax: number): void {
  checkName(name, bytesMax, 'collection name', 'invalidParameter')
}
export function checkAliasName(name: string, bytesMax: number): void {
  checkName(name, bytesMax, 'collection alias', 'invalidParameter')
}
export function checkDatabaseName(name: string, bytesMax: number): void {
  checkName(name, bytesMax, 'database name', 'databaseInvalidName')
}
export function checkFieldName(name: string, bytesMax: number): void {
  checkName(name, bytesMax, 'field name', 'fieldInvalidName', false)
  if (KEYWORDS.has(name) || name.toLowerCase() === 'null') {
    throw fault('fieldInvalidName', `Invalid field name: ${name}. ${name} is keyword in milvus.`)
  }
}
export function checkPartitionName(name: string, bytesMax: number): void {
  if (name.trim() === '') throw fault('invalidParameter', 'Partition name should not be empty.')
  if (Buffer.byteLength(name) > bytesMax) {
    throw fault(
      'invalidParameter',
      `Invalid partition name: ${name}. The length of a partition name must be less than ${bytesMax} characters.`,
    )
  }
  if (!PARTITION.test(name)) {
    throw fault(
      'invalidParameter',
      `Invalid partition name: ${name}. Partition name can only contain numbers, letters and underscores.`,
    )
  }
}
export function checkIndexName(name: string, bytesMax: number): void {
  if (Buffer.byteLength(name) > bytesMax || !INDEX.test(name)) {
    throw fault(
      'invalidParameter',
      `Invalid index name: ${name}. Index name can only contain numbers, letters, underscores and brackets, must begin with a letter or underscore and be no longer than ${bytesMax} bytes`,
    )
  }
}
