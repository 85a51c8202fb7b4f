import { type ErrorKind, type ErrorRow, errorTable } from './table.ts'

/** `key=value` details, printed by Milvus as `[key=value]` after the sentinel text. */
export type ErrorDetails = Readonly<Record<string, string | number | bigint>>

/**
 * The one error class. `kind` names a row of `errors/table.ts`; `message` is the full text as Milvus prints it.
 * Anything else that is thrown is a fault of ours and reaches the client as `unexpected`, without details.
 */
export class RedkiteError extends Error {
  override readonly name = 'RedkiteError'
  readonly kind: ErrorKind
  readonly #foreign: ErrorRow | null

  /** @param options.row another server's codes, in place of the table's */
  constructor(kind: ErrorKind, message: string, options?: ErrorOptions & { readonly row?: ErrorRow }) {
    super(message, options)
    this.kind = kind
    this.#foreign = options?.row ?? null
  }

  get row(): ErrorRow {
    return this.#foreign ?? errorTable[this.kind]
  }

  /** Whether another server answered it (`upstreamFault`): its codes leave as they came. */
  get isForeign(): boolean {
    return this.#foreign !== null
  }
}

/**
 * Builds an error in Milvus' form `<context>: <sentinel>[k=v][k=v]`, e.g.
 * `fault('collectionNotFound', { database: 'default', collection: 'x' })` or
 * `fault('invalidParameter', 'invalid dimension: 1. should be in range 2 ~ 32768')`.
 */
export function fault(kind: ErrorKind, details: ErrorDetails): RedkiteError
export function fault(kind: ErrorKind, context?: string, details?: ErrorDetails): RedkiteError
export function fault(kind: ErrorKind, first?: string | ErrorDetails, second?: ErrorDetails): RedkiteError {
  const context = typeof first === 'string' ? `${first}: ` : ''
  const details = typeof first === 'object' ? first : (second ?? {})
  const tail = Object.entries(details)
    .map(([key, value]) => `[${key}=${value}]`)
    .join('')
  return new RedkiteError(kind, `${context}${errorTable[kind].text}${tail}`)
}

/** An error whose whole text is given (Milvus' own wording where the sentinel does not stand in it). */
export function faultText(kind: ErrorKind, message: string, options?: ErrorOptions): RedkiteError {
  return new RedkiteError(kind, message, options)
}

/** What another server's `Status` says. */
export interface ForeignStatus {
  readonly code: number
  /** `common.ErrorCode`. */
  readonly legacy: number
  readonly message: string
  readonly retriable: boolean
  readonly input: boolean
}

/**
 * An error that an upstream answered, with its code and text unchanged. Its kind is that of the table's row with the
 * same code, so that code which looks for, say, `indexNotFound` finds it; `upstream` where the table knows no such code.
 */
export function upstreamFault({ code, legacy, message, retriable, input }: ForeignStatus): RedkiteError {
  const kind = kindByCode.get(code) ?? 'upstream'
  return new RedkiteError(kind, message, { row: { ...errorTable[kind], code, legacy, retriable, input } })
}

/** Kinds that travel in a `Status`; the first row of a code stands for it. `unexpected` is a fault of our own. */
const kindByCode: ReadonlyMap<number, ErrorKind> = new Map(
  (Object.keys(errorTable) as ErrorKind[])
    .filter((kind) => errorTable[kind].grpc === null && kind !== 'unexpected')
    .reverse()
    .map((kind) => [errorTable[kind].code, kind]),
)

/** The single funnel from anything thrown to an error of the table; the original stays as `cause`. */
export function toRedkiteError(thrown: unknown): RedkiteError {
  if (thrown instanceof RedkiteError) return thrown
  return new RedkiteError('unexpected', 'unexpected error: see the server log', { cause: thrown })
}

/** For the end of an exhaustive switch: a new variant that is not handled does not compile. */
export function unreachable(value: never): never {
  throw new Error(`unreachable variant: ${JSON.stringify(value)}`)
}
