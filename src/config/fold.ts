/**
 * Milvus' key matching: letters' case and `/`, `_`, `.` do not count, so `common.security.tlsMode`,
 * `COMMON_SECURITY_TLSMODE` and `commonSecurityTlsmode` are one key (milvus `pkg/config/config.go`).
 */
export function foldKey(key: string): string {
  return key.toLowerCase().replace(/[/_.]/g, '')
}

/** The last part of a dotted key, folded: `tls.serverPemPath` and `common.tls.serverPemPath` share one. */
export function foldLeaf(key: string): string {
  return foldKey(key.slice(key.lastIndexOf('.') + 1))
}

/** Levenshtein distance in UTF-16 units. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[right.length] ?? 0
}

/**
 * The candidate that a mistyped `word` most likely means, or null when none is near: at most a third of its letters
 * may differ, and never more than three.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const folded = foldKey(word)
  const allowed = Math.min(3, Math.floor(folded.length / 3))
  let best: string | null = null
  let bestDistance = allowed + 1
  for (const candidate of candidates) {
    const target = foldKey(candidate)
    if (Math.abs(target.length - folded.length) >= bestDistance) continue
    const distance = editDistance(folded, target)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
