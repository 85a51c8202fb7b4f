import { fault, type RedkiteError } from '../errors/error.ts'

/** Which plan Milvus would have failed to make: `query` also stands for search. */
export type PlanKind = 'query' | 'delete'

/** More of a refused filter than this is not repeated in the error. */
const QUOTED_CHARS_MAX = 1024

/**
 * A refusal inside `src/filter/`: the cause in words and the offset in the text it belongs to (null = the whole).
 * Never leaves the folder: `compileFilter` turns it into the client's error.
 */
export class FilterFailure extends Error {
  override readonly name = 'FilterFailure'
  readonly offset: number | null
  /** Milvus words a filter that is not a predicate without `cannot parse expression`. */
  readonly wholeText: boolean

  constructor(cause: string, offset: number | null, wholeText = false) {
    super(cause)
    this.offset = offset
    this.wholeText = wholeText
  }
}

/** `line L:C` of an offset; lines from 1 and columns from 0, as Milvus' parser counts them. */
export function positionText(text: string, offset: number): string {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return `line ${before.split('\n').length}:${offset - lineStart}`
}

/** The error the client sees: code 1100 with the filter, the position and the cause (Milvus 3.x wording). */
export function failureToFault(failure: FilterFailure, text: string, plan: PlanKind): RedkiteError {
  const prefix = `failed to create ${plan} plan: `
  if (failure.wholeText) return fault('invalidParameter', prefix + failure.message)
  const position = failure.offset === null ? '' : `${positionText(text, failure.offset)}: `
  return fault('invalidParameter', `${prefix}cannot parse expression: ${quoted(text)}: ${position}${failure.message}`)
}

/** A filter, cut for messages. */
export function quoted(text: string): string {
  return text.length <= QUOTED_CHARS_MAX ? text : `${text.slice(0, QUOTED_CHARS_MAX)}…`
}
