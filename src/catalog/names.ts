import { fault } from '../errors/error.ts'
import type { ErrorKind } from '../errors/table.ts'

const NAME_BYTES_MAX = 255
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

/** The rule for collections, aliases, databases and fields, with Milvus' wording. */
function checkName(name: string, what: string, kind: ErrorKind, trim = true): void {
  const shown = trim ? name.trim() : name
  const prefix = `Invalid ${what}: ${shown}. `
  if (shown === '') throw fault(kind, `${what} should not be empty`)
  if (Buffer.byteLength(shown) > NAME_BYTES_MAX) {
    throw fault(kind, `${prefix} the length of ${what} must be not greater than limit, limit: ${NAME_BYTES_MAX}`)
  }
  if (!/^[A-Za-z_]/.test(shown)) {
    throw fault(kind, `${prefix} the first character of a ${what} must be an underscore or letter`)
  }
  if (!NAME.test(shown)) throw fault(kind, `${prefix} ${what} can only contain numbers, letters and underscores`)
}

export function checkCollectionName(name: string): void {
  checkName(name, 'collection name', 'invalidParameter')
}
export function checkAliasName(name: string): void {
  checkName(name, 'collection alias', 'invalidParameter')
}
export function checkDatabaseName(name: string): void {
  checkName(name, 'database name', 'databaseInvalidName')
}
export function checkFieldName(name: string): void {
  checkName(name, 'field name', 'fieldInvalidName', false)
  if (KEYWORDS.has(name) || name.toLowerCase() === 'null') {
    throw fault('fieldInvalidName', `Invalid field name: ${name}. ${name} is keyword in milvus.`)
  }
}
export function checkPartitionName(name: string): void {
  if (name.trim() === '') throw fault('invalidParameter', 'Partition name should not be empty.')
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw fault(
      'invalidParameter',
      `Invalid partition name: ${name}. The length of a partition name must be less than ${NAME_BYTES_MAX} characters.`,
    )
  }
  if (!PARTITION.test(name)) {
    throw fault(
      'invalidParameter',
      `Invalid partition name: ${name}. Partition name can only contain numbers, letters and underscores.`,
    )
  }
}
export function checkIndexName(name: string): void {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX || !INDEX.test(name)) {
    throw fault(
      'invalidParameter',
      `Invalid index name: ${name}. Index name can only contain numbers, letters, underscores and brackets, must begin with a letter or underscore and be no longer than ${NAME_BYTES_MAX} bytes`,
    )
  }
}
