import { fault } from '../../errors/error.ts'

const UNIT_MS = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 } as const
const FORM = /^(\d{1,8})([HMSmun])$/
/** Longest delay of `setTimeout`; a longer deadline is none. */
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * Milliseconds of a `grpc-timeout` header; null = none given, or one further away than a timer reaches.
 * @throws RedkiteError `malformedMessage` for anything but 1 to 8 digits and a unit (gRPC over HTTP/2, "Timeout").
 */
export function parseTimeout(header: string | undefined): number | null {
  if (header === undefined) return null
  const match = FORM.exec(header)
  const unit = match?.[2]
  if (!match || !isUnit(unit)) throw fault('malformedMessage', `malformed grpc-timeout ${JSON.stringify(header)}`)
  const ms = Number(match[1]) * UNIT_MS[unit]
  return ms > TIMER_MS_MAX ? null : ms
}

function isUnit(text: string | undefined): text is keyof typeof UNIT_MS {
  return text !== undefined && text in UNIT_MS
}
