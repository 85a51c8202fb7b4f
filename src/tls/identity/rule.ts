import { parsePattern, RuleError } from './pattern-text.ts'
import { compile, type Program } from './program.ts'

/** What of a certificate a rule looks at. */
export const RULE_FIELDS = ['uri', 'email', 'dns', 'cn', 'dn'] as const
export type RuleField = (typeof RULE_FIELDS)[number]

/** A rule of `redkite.identity.rules`. */
export interface IdentityRule {
  /** Counted from 1, in the order of the list. */
  readonly number: number
  /** As written. */
  readonly text: string
  readonly field: RuleField
  readonly program: Program
  /** A user name in which `$1` … `$9` stand for what the groups captured. */
  readonly user: string
}

/** Longest rule, in characters. */
const RULE_CHARS_MAX = 512
export const RULES_MAX = 200
const ARROW = ' -> '
/** Milvus' rule for user names (`proxy/util.go`); their length is a matter of configuration. */
const USER_NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/
const USER_TEMPLATE = /^(?:[A-Za-z0-9_.-]|\$[1-9])+$/
const ROOT = 'root'

/** Whether Milvus takes this as a name of a user. */
export function isUserName(name: string, bytesMax: number): boolean {
  return USER_NAME.test(name) && name.length <= bytesMax
}

/**
 * Reads the rules of a list, first match wins: `<field>=<pattern> -> <user>`, e.g.
 * `uri=spiffe://prod.example/app/([a-z0-9-]+) -> $1`.
 * @throws Error that names the rule, the column and the remedy
 */
export function parseRules(texts: readonly string[]): readonly IdentityRule[] {
  if (texts.length > RULES_MAX) throw new Error(`${texts.length} rules, at most ${RULES_MAX} are read`)
  return texts.map((text, index) => {
    try {
      return parseRule(text, index + 1)
    } catch (thrown) {
      if (!(thrown instanceof RuleError)) throw thrown
      const { column, message, remedy } = thrown
      throw new Error(`rule ${index + 1}, column ${column} of ${JSON.stringify(text)}: ${message}; ${remedy}`)
    }
  })
}

function parseRule(text: string, number: number): IdentityRule {
  const chars = [...text]
  if (chars.length > RULE_CHARS_MAX) {
    throw new RuleError(RULE_CHARS_MAX + 1, `longer than ${RULE_CHARS_MAX} characters`, 'shorten it')
  }
  const control = chars.findIndex((char) => isTreacherous(char))
  if (control >= 0) throw new RuleError(control + 1, 'a control or invisible character', 'write \\xHH in parentheses')
  const arrow = text.lastIndexOf(ARROW)
  if (arrow < 0) {
    throw new RuleError(
      chars.length + 1,
      'no " -> " and no user',
      'write <field>=<pattern> -> <user>, e.g. cn=(.*) -> $1',
    )
  }
  const equals = text.indexOf('=')
  const field = RULE_FIELDS.find((name) => name === text.slice(0, equals).trim().toLowerCase())
  if (field === undefined || equals > arrow) {
    throw new RuleError(
      1,
      'it begins with no field',
      `begin with one of ${RULE_FIELDS.map((name) => `${name}=`).join(' ')}`,
    )
  }
  const pattern = text.slice(equals + 1, arrow).trim()
  const patternColumn = charsBefore(text, text.indexOf(pattern, equals + 1))
  if (pattern === '') throw new RuleError(equals + 2, 'an empty pattern', 'write the name that is meant')
  if (field === 'dns' && /[A-Z]/.test(pattern)) {
    throw new RuleError(patternColumn + 1, 'DNS names are compared in lower case', 'write the pattern in lower case')
  }
  const gap = field === 'dn' ? pattern.search(/(?<!\\), +[A-Za-z0-9.]+=/) : -1
  if (gap >= 0) {
    throw new RuleError(
      patternColumn + gap + 2,
      'a space that RFC 4514 text does not have',
      'write CN=a,O=b; redkite tls whoami prints it',
    )
  }
  const pieces = parsePattern(pattern, patternColumn)
  const program = compile(pieces)
  if (program === null) throw new RuleError(patternColumn + 1, 'a pattern that grows too large', 'use smaller {n,m}')
  const groups = pieces.filter((piece) => piece.kind === 'group').length
  return { number, text, field, program, user: parseUser(text, arrow + ARROW.length, groups) }
}

function parseUser(text: string, column: number, groups: number): string {
  const user = text.slice(column).trim()
  const fail = (message: string, remedy: string) => new RuleError(charsBefore(text, column) + 1, message, remedy)
  if (!USER_TEMPLATE.test(user)) {
    throw fail(`${JSON.stringify(user)} is no user name`, 'use letters, digits, _ - . and $1 for what a group captured')
  }
  const wanted = Math.max(0, ...[...user.matchAll(/\$(\d)/g)].map((match) => Number(match[1])))
  if (wanted > groups) {
    throw fail(`$${wanted} and only ${groups} pairs of parentheses`, 'capture it in parentheses')
  }
  if (wanted === 0 && !USER_NAME.test(user)) {
    throw fail(`${JSON.stringify(user)} is no user name`, 'begin it with a letter')
  }
  if (user === ROOT && groups > 0) {
    throw fail(
      'root by a pattern',
      'name the whole certificate name, without parentheses: nothing that varies may become root',
    )
  }
  return user
}

/** Columns are told in characters, as an editor counts them; JavaScript counts halves of the rarer ones. */
function charsBefore(text: string, at: number): number {
  return [...text.slice(0, at)].length
}

/** The user that a match of this rule means. Null where captures would make root, which only an exact rule may. */
export function userOfMatch(rule: IdentityRule, captures: readonly string[]): string | null {
  const user = rule.user.replace(/\$([1-9])/g, (_, digit: string) => captures[Number(digit) - 1] ?? '')
  return user === ROOT && rule.user !== ROOT ? null : user
}

/** Characters that a reader of a log or a file would not see, or see elsewhere: controls, bidi, zero width, no character. */
export function isTreacherous(text: string): boolean {
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\uFFFD]/u.test(text)
}
