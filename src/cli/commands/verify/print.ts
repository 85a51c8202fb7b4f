import { counted } from '../../../pki/words.ts'
import type { Check, Level } from '../../../probe/check.ts'

const MARKS: Readonly<Record<Level, string>> = { ok: 'ok', warn: 'warn', fail: 'FAIL', skip: 'skip' }
const MARK_WIDTH = 6
const WHAT_WIDTH_MIN = 17

/** Checks as lines: mark, what, detail, and a `fix` line below each that wants something done; a sum at the end. */
export function checkLines(checks: readonly Check[]): string {
  const width = Math.max(WHAT_WIDTH_MIN, ...checks.map(({ what }) => what.length + 2))
  const line = (mark: string, what: string, text: string) => `${mark.padEnd(MARK_WIDTH)}${what.padEnd(width)}${text}`
  const lines = checks.flatMap(({ level, what, detail, fix }) => [
    line(MARKS[level], what, detail),
    ...(fix === null ? [] : [line('', 'fix', fix)]),
  ])
  return [...lines, sum(checks)].join('\n')
}

/** `1 failed, 2 warnings`; `all is well` where there is neither. */
function sum(checks: readonly Check[]): string {
  const count = (level: Level) => checks.filter((check) => check.level === level).length
  const failed = count('fail')
  const warnings = count('warn')
  const parts = [failed > 0 ? `${failed} failed` : '', warnings > 0 ? counted(warnings, 'warning') : '']
  return parts.filter((part) => part !== '').join(', ') || 'all is well'
}
