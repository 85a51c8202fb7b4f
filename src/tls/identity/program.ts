/**
 * What a pattern is made of, and the small program that `matchWhole` runs. The language has no nesting and no
 * repetition of groups, so nothing in it can loop without reading a character.
 */

/** A set of characters, by code points; inclusive ranges. */
export interface CharSet {
  readonly negated: boolean
  readonly ranges: readonly (readonly [from: number, to: number])[]
}

/** A character (or set) and how often it may stand. */
export interface Atom {
  readonly set: CharSet
  readonly min: number
  /** null = without end. */
  readonly max: number | null
}

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  /** A capture: any of the alternatives. */
  | { readonly kind: 'group'; readonly alternatives: readonly (readonly Atom[])[] }

export type Instruction =
  | { readonly op: 'char'; readonly set: CharSet }
  /** Tries `first` before `second`. */
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' }

export type Program = readonly Instruction[]

/** Longest program; a pattern with large `{n,m}` grows to more than its text. */
export const INSTRUCTIONS_MAX = 1_000

export function charIn(set: CharSet, code: number): boolean {
  return set.ranges.some(([from, to]) => from <= code && code <= to) !== set.negated
}

/** A set of exactly one character. */
export function onlyChar(code: number): CharSet {
  return { negated: false, ranges: [[code, code]] }
}

/** Turns pieces into a program; null when it would be longer than `INSTRUCTIONS_MAX`. */
export function compile(pieces: readonly Piece[]): Program | null {
  const program: Instruction[] = []
  let slot = 0
  for (const piece of pieces) {
    if (piece.kind === 'text') {
      for (const char of piece.text) program.push({ op: 'char', set: onlyChar(char.codePointAt(0) ?? 0) })
    } else {
      program.push({ op: 'save', slot })
      addAlternatives(program, piece.alternatives)
      program.push({ op: 'save', slot: slot + 1 })
      slot += 2
    }
    if (program.length >= INSTRUCTIONS_MAX) return null
  }
  return [...program, { op: 'match' }]
}

function addAlternatives(program: Instruction[], alternatives: readonly (readonly Atom[])[]): void {
  const jumps: number[] = []
  alternatives.forEach((atoms, index) => {
    const isLast = index === alternatives.length - 1
    const split = program.length
    if (!isLast) program.push({ op: 'jump', to: 0 })
    for (const atom of atoms) addAtom(program, atom)
    if (isLast) return
    jumps.push(program.length)
    program.push({ op: 'jump', to: 0 })
    program[split] = { op: 'split', first: split + 1, second: program.length }
  })
  for (const at of jumps) program[at] = { op: 'jump', to: program.length }
}

function addAtom(program: Instruction[], { set, min, max }: Atom): void {
  for (let count = 0; count < min; count++) program.push({ op: 'char', set })
  if (max === null) {
    const split = program.length
    program.push({ op: 'split', first: split + 1, second: split + 3 })
    program.push({ op: 'char', set })
    program.push({ op: 'jump', to: split })
    return
  }
  const end = program.length + 2 * (max - min)
  for (let count = min; count < max; count++) {
    program.push({ op: 'split', first: program.length + 1, second: end })
    program.push({ op: 'char', set })
  }
}
