/** How bad something is: `fail` means that some client or server refuses the set, or that a key is not safe. */
export type FindingLevel = 'ok' | 'warn' | 'fail'

/** One thing that was checked: in which file, what was seen, and the remedy where something is to be done. */
export interface Finding {
  readonly level: FindingLevel
  /** Base name of the file, e.g. `server.pem`. */
  readonly file: string
  readonly text: string
  readonly fix: string | null
}

/** A check that passed. */
export function good(file: string, text: string): Finding {
  return { level: 'ok', file, text, fix: null }
}

/** A check that some clients will stumble over. */
export function warning(file: string, text: string, fix: string): Finding {
  return { level: 'warn', file, text, fix }
}

/** A check that failed. */
export function failure(file: string, text: string, fix: string): Finding {
  return { level: 'fail', file, text, fix }
}
