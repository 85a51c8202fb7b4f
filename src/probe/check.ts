/** How a check ended: `warn` means that some client stumbles over it, `fail` that clients are refused or a promise is broken. */
export type Level = 'ok' | 'warn' | 'fail' | 'skip'

/** What is wrong, as a stable word for programs; texts may change, these may not. */
export const CAUSES = [
  'plaintextToTls',
  'tlsToPlaintext',
  'noCertificate',
  'wrongCa',
  'expired',
  'notYetValid',
  'serverAuthOnly',
  'nameMismatch',
  'keyMismatch',
  'leafAsRoot',
  'oldProtocol',
  'addressAsName',
  'unreachable',
  'badFile',
  'encryptedKey',
  'permissions',
  'purpose',
  'weak',
  'expiresSoon',
  'incompleteChain',
  'noNames',
  'noAlpn',
  'notTls',
  'unverified',
  'clientRefused',
  'revoked',
  'notMutual',
  'strangerAdmitted',
  'plaintextAnswered',
  'nameNotChecked',
  'noPostQuantum',
  'plaintext',
  'login',
  'noLogin',
  'noAnswer',
  'configuration',
  'runtime',
  'clock',
  'portTaken',
  'dataDirectory',
  'secret',
  'exposed',
  'mount',
] as const

export type Cause = (typeof CAUSES)[number]

/** One line of a report: what was looked at, what was seen, and, unless all is well, one remedy. */
export interface Check {
  readonly level: Level
  /** A few words: `handshake`, `server name`, `tls.serverPemPath`. */
  readonly what: string
  readonly detail: string
  /** What to do; null where nothing is to be done. */
  readonly fix: string | null
  readonly cause: Cause | null
}

/** A check that passed. */
export function ok(what: string, detail: string): Check {
  return { level: 'ok', what, detail: clean(detail), fix: null, cause: null }
}

/** A check that could not be made, or that has no meaning here. */
export function skip(what: string, detail: string): Check {
  return { level: 'skip', what, detail: clean(detail), fix: null, cause: null }
}

/** Something that works, and that some client or reviewer stumbles over. */
export function warn(what: string, detail: string, fix: string, cause: Cause): Check {
  return { level: 'warn', what, detail: clean(detail), fix: clean(fix), cause }
}

/** Something that keeps clients out, or a promise that does not hold. */
export function fail(what: string, detail: string, fix: string, cause: Cause): Check {
  return { level: 'fail', what, detail: clean(detail), fix: clean(fix), cause }
}

/** Whether nothing failed; warnings are allowed. */
export function isFit(checks: readonly Check[]): boolean {
  return checks.every((check) => check.level !== 'fail')
}

const TEXT_CHARACTERS_MAX = 600

/** Texts hold what peers and certificates say: one line, no control characters, of bounded length. */
function clean(text: string): string {
  const flat = text.replace(/\p{Cc}+/gu, ' ').trim()
  return flat.length <= TEXT_CHARACTERS_MAX ? flat : `${flat.slice(0, TEXT_CHARACTERS_MAX)}…`
}
