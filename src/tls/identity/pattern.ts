import { charIn, type Program } from './program.ts'

/** Longest text that is matched at all, in characters. */
export const INPUT_CHARS_MAX = 2_048

/**
 * Matches a whole text and gives its captures (index 0 is the first group); null where it does not match. All
 * possibilities advance together, one character at a time (Thompson's construction, as RE2 and Go's `regexp`), so the
 * time is bounded by the length of the pattern times that of the text, whatever both are. Among several ways to match
 * the one that a backtracking engine finds first wins: earlier alternatives, longer repetitions.
 */
export function matchWhole(program: Program, text: string): readonly string[] | null {
  const input = [...text]
  if (input.length > INPUT_CHARS_MAX) return null
  let threads = new Threads(program)
  threads.add(0, new Array<number>(2 * groupCount(program)).fill(0), 0)
  for (let at = 0; at < input.length && threads.list.length > 0; at++) {
    const next = new Threads(program)
    const code = input[at]?.codePointAt(0) ?? 0
    for (const { pc, saved } of threads.list) {
      const instruction = program[pc]
      if (instruction?.op === 'char' && charIn(instruction.set, code)) next.add(pc + 1, saved, at + 1)
    }
    threads = next
  }
  const won = threads.list.find(({ pc }) => program[pc]?.op === 'match')
  if (!won) return null
  const captures: string[] = []
  for (let slot = 0; slot < won.saved.length; slot += 2) {
    captures.push(input.slice(won.saved[slot], won.saved[slot + 1]).join(''))
  }
  return captures
}

function groupCount(program: Program): number {
  return program.filter(({ op }) => op === 'save').length / 2
}

interface Thread {
  readonly pc: number
  /** Start and end of each group, in characters. */
  readonly saved: readonly number[]
}

/** The instructions that wait for the next character, the preferred first; each at most once. */
class Threads {
  readonly list: Thread[] = []
  readonly #program: Program
  readonly #seen: Uint8Array

  constructor(program: Program) {
    this.#program = program
    this.#seen = new Uint8Array(program.length)
  }

  /** Follows everything that needs no character. Depth is bounded by the length of the program. */
  add(pc: number, saved: readonly number[], at: number): void {
    if (this.#seen[pc] === 1) return
    this.#seen[pc] = 1
    const instruction = this.#program[pc]
    switch (instruction?.op) {
      case 'split':
        this.add(instruction.first, saved, at)
        this.add(instruction.second, saved, at)
        return
      case 'jump':
        this.add(instruction.to, saved, at)
        return
      case 'save':
        this.add(pc + 1, saved.with(instruction.slot, at), at)
        return
      case 'char':
      case 'match':
        this.list.push({ pc, saved })
        return
      case undefined:
        return
    }
  }
}
