import type { PatternPart } from './checked.ts'

/**
 * Reads a `like` pattern: `%` is any run of characters, `_` one character, `\` takes the next character literally
 * (at the very end it stands for itself). Neighbouring `%` are one.
 */
export function parseLikePattern(pattern: string): PatternPart[] {
  const parts: PatternPart[] = []
  let literal = ''
  const flush = (): void => {
    if (literal !== '') parts.push(literal)
    literal = ''
  }
  let escaped = false
  for (const character of pattern) {
    if (escaped || (character !== '\\' && character !== '%' && character !== '_')) {
      literal += character
      escaped = false
    } else if (character === '\\') {
      escaped = true
    } else {
      flush()
      const last = parts.at(-1)
      const repeated = character === '%' && typeof last === 'object' && last.wildcard === 'any'
      if (!repeated) parts.push({ wildcard: character === '%' ? 'any' : 'one' })
    }
  }
  if (escaped) literal += '\\'
  flush()
  return parts
}

/** The text a pattern without wildcards stands for, else null. */
export function literalPattern(parts: readonly PatternPart[]): string | null {
  const [only, ...rest] = parts
  if (only === undefined) return ''
  return typeof only === 'string' && rest.length === 0 ? only : null
}

/** SQLite's GLOB for the pattern: LIKE there ignores the case of ASCII letters, GLOB does not. */
export function globPattern(parts: readonly PatternPart[]): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part.replace(/[*?[]/g, '[$&]')
      return part.wildcard === 'any' ? '*' : '?'
    })
    .join('')
}
