import { type Atom, type CharSet, onlyChar, type Piece } from './program.ts'

/** Something in a rule that cannot be read. Columns count from 1, in characters of the rule. */
export class RuleError extends Error {
  override readonly name = 'RuleError'
  readonly column: number
  readonly remedy: string

  constructor(column: number, message: string, remedy: string) {
    super(message)
    this.column = column
    this.remedy = remedy
  }
}

/** Largest number in `{n,m}`. */
const REPEAT_MAX = 255
/** Outside parentheses these look like patterns that would never match; they must be escaped to be meant. */
const LOOKS_LIKE_PATTERN = '*?[]{}|'
const ESCAPABLE_OUTSIDE = `()^$${LOOKS_LIKE_PATTERN}`
const ANY: CharSet = { negated: true, ranges: [] }
const DIGIT = [0x30, 0x39] as const
const WORD = [DIGIT, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]] as const

/**
 * Reads a pattern: text stands for itself, and each pair of parentheses holds an expression that is captured. In it:
 * characters, `.`, sets `[a-z0-9-]` and `[^…]`, `\d`, `\w`, `\xHH`, `\` before punctuation, `*` `+` `?` `{n}` `{n,}` `{n,m}` after
 * one of these, and `|`. No parentheses within parentheses, nothing repeated but single characters.
 * @param offset columns before the pattern in its rule
 * @throws RuleError
 */
export function parsePattern(text: string, offset: number): readonly Piece[] {
  return new PatternReader(text, offset).pieces()
}

class PatternReader {
  readonly #chars: readonly string[]
  readonly #offset: number
  #at = 0

  constructor(text: string, offset: number) {
    this.#chars = [...text]
    this.#offset = offset
  }

  pieces(): readonly Piece[] {
    const pieces: Piece[] = []
    let plain = ''
    const flush = () => {
      if (plain !== '') pieces.push({ kind: 'text', text: plain })
      plain = ''
    }
    while (this.#at < this.#chars.length) {
      const char = this.#chars[this.#at] ?? ''
      if (char === '(') {
        flush()
        pieces.push(this.#group())
      } else plain += this.#plain(char)
    }
    flush()
    return pieces
  }

  /** One character (or escape) outside parentheses. */
  #plain(char: string): string {
    const next = this.#chars[this.#at + 1]
    if (char === '\\' && next !== undefined) {
      this.#at += 2
      // the escapes of a distinguished name (RFC 4514: `\,`, `\\`, `\2B`) stand for themselves
      return ESCAPABLE_OUTSIDE.includes(next) ? next : char + next
    }
    const isAnchor = (char === '^' && this.#at === 0) || (char === '$' && this.#at === this.#chars.length - 1)
    if (isAnchor) {
      throw this.#error(`"${char}" is not needed: a pattern always means the whole name`, 'leave it out')
    }
    if (char === ')') throw this.#error('a ")" that nothing opens', 'write \\) for the character')
    const afterGroup = this.#at > 0 && this.#chars[this.#at - 1] === ')' && this.#chars[this.#at - 2] !== '\\'
    if (LOOKS_LIKE_PATTERN.includes(char) || (char === '+' && afterGroup)) {
      const remedy = `put the pattern into parentheses, as in (.*), or write \\${char} for the character`
      throw this.#error(`"${char}" outside parentheses stands for itself`, remedy)
    }
    this.#at++
    return char
  }

  #group(): Piece {
    const opened = this.#at
    this.#at++
    const alternatives: Atom[][] = [[]]
    for (;;) {
      const char = this.#chars[this.#at]
      if (char === undefined) {
        this.#at = opened
        throw this.#error('a "(" that nothing closes', 'close it, or write \\( for the character')
      }
      if (char === ')') break
      if (char === '|') {
        alternatives.push([])
        this.#at++
      } else alternatives.at(-1)?.push(this.#repeated(this.#atom(char)))
    }
    this.#at++
    if (alternatives.length === 1 && alternatives[0]?.length === 0) {
      this.#at = opened
      throw this.#error('empty parentheses', 'write an expression in them, such as (.+)')
    }
    return { kind: 'group', alternatives }
  }

  #atom(char: string): CharSet {
    if (char === '(') throw this.#error('parentheses within parentheses', 'write two rules, or one flat expression')
    if (char === '^' || char === '$') {
      throw this.#error(
        `"${char}" is not needed: a pattern always means the whole name`,
        `leave it out, or write \\${char}`,
      )
    }
    if ('*+?{'.includes(char))
      throw this.#error(`nothing before "${char}" to repeat`, `write \\${char} for the character`)
    if (char === '[') return this.#set()
    if (char === '\\') return this.#escape()
    this.#at++
    return char === '.' ? ANY : onlyChar(codeOf(char))
  }

  #escape(): CharSet {
    const next = this.#chars[this.#at + 1] ?? ''
    if (next === 'd' || next === 'w') {
      this.#at += 2
      return { negated: false, ranges: next === 'd' ? [DIGIT] : WORD }
    }
    return onlyChar(this.#escapedCode(next))
  }

  #escapedCode(next: string): number {
    const hex = this.#chars.slice(this.#at + 2, this.#at + 4).join('')
    if (next === 'x' && /^[0-9a-fA-F]{2}$/.test(hex)) {
      this.#at += 4
      return Number.parseInt(hex, 16)
    }
    if (next === '' || /[\p{L}\p{N}]/u.test(next)) {
      throw this.#error(`"\\${next}" means nothing here`, 'there are \\d, \\w, \\xHH and \\ before punctuation')
    }
    this.#at += 2
    return codeOf(next)
  }

  #set(): CharSet {
    const opened = this.#at
    this.#at++
    const negated = this.#chars[this.#at] === '^'
    if (negated) this.#at++
    const ranges: (readonly [number, number])[] = []
    for (let char = this.#chars[this.#at]; char !== ']'; char = this.#chars[this.#at]) {
      if (char === undefined || char === '[') {
        this.#at = char === undefined ? opened : this.#at
        throw this.#error('a "[" that nothing closes', 'close it, or write \\[ for the character')
      }
      const next = this.#chars[this.#at + 1] ?? ''
      if (char === '\\' && (next === 'd' || next === 'w')) {
        ranges.push(...this.#escape().ranges)
        continue
      }
      const from = this.#setChar(char)
      const end = this.#chars[this.#at + 1]
      if (this.#chars[this.#at] !== '-' || end === ']' || end === undefined) {
        ranges.push([from, from])
        continue
      }
      this.#at++
      const to = this.#setChar(end)
      if (to < from) throw this.#error('a range that runs backwards', 'write the lower character first, as in a-z')
      ranges.push([from, to])
    }
    this.#at++
    if (ranges.length === 0) throw this.#error('an empty set', 'write characters or ranges in it, as in [a-z0-9-]')
    return { negated, ranges }
  }

  #setChar(char: string): number {
    if (char === '\\') return this.#escapedCode(this.#chars[this.#at + 1] ?? '')
    this.#at++
    return codeOf(char)
  }

  #repeated(set: CharSet): Atom {
    const [min, max] = this.#bounds()
    if ('*+?{'.includes(this.#chars[this.#at] ?? 'x')) {
      throw this.#error('a repetition of a repetition', 'leave one of them out')
    }
    return { set, min, max }
  }

  #bounds(): readonly [min: number, max: number | null] {
    const char = this.#chars[this.#at]
    if (char === '*' || char === '+' || char === '?') {
      this.#at++
      return [char === '+' ? 1 : 0, char === '?' ? 1 : null]
    }
    if (char !== '{') return [1, 1]
    const braces = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(this.#chars.slice(this.#at, this.#at + 9).join(''))
    const min = Number(braces?.[1])
    const max = braces?.[2] === undefined ? min : braces[3] === '' ? null : Number(braces[3])
    if (!braces || min > REPEAT_MAX || (max !== null && (max > REPEAT_MAX || max < min))) {
      const remedy = `write {n}, {n,} or {n,m} with numbers up to ${REPEAT_MAX}, or \\{ for the character`
      throw this.#error('a repetition that cannot be read', remedy)
    }
    this.#at += braces[0].length
    return [min, max]
  }

  #error(message: string, remedy: string): RuleError {
    return new RuleError(this.#offset + this.#at + 1, message, remedy)
  }
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0
}
