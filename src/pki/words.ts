const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A length of time in words, in its largest fitting unit: `396 days`, `1 hour`, `5 minutes`. The sign is dropped. */
export function spanInWords(milliseconds: number): string {
  const length = Math.abs(milliseconds)
  if (length >= DAY_MS) return counted(Math.floor(length / DAY_MS), 'day')
  if (length >= HOUR_MS) return counted(Math.floor(length / HOUR_MS), 'hour')
  return counted(Math.floor(length / MINUTE_MS), 'minute')
}

/** `1 warning`, `2 warnings`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Where `now` stands in a certificate's life: `valid for 396 more days`, `expired 3 days ago`, `not valid for another 2 hours`. */
export function lifeInWords(life: { readonly notBefore: Date; readonly notAfter: Date }, now: Date): string {
  const left = life.notAfter.getTime() - now.getTime()
  const ahead = life.notBefore.getTime() - now.getTime()
  if (left <= 0) return `expired ${spanInWords(left)} ago`
  if (ahead > 0) return `not valid for another ${spanInWords(ahead)}`
  return `valid for another ${spanInWords(left)}`
}

/** A date as `2027-12-27T07:36:33Z`: UTC, whole seconds, which is all that certificates hold. */
export function dateInWords(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z')
}
