/** A body that is arriving. */
export interface WatchedBody {
  /** `performance.now()` when it began, moved on by the time it was paused. */
  bodyStartedAt: number
  /** Bytes received so far. */
  readonly received: number
  /** Waiting for the byte budget: not the peer's fault, so its clock stands still. */
  readonly paused: boolean
  /** Ends the call with a deadline error. */
  bodyTooSlow(): void
}

const SWEEP_MS = 1000

/**
 * Ends bodies that trickle. node:http2 has no limit for them (a byte a second stays open for ever), and a timer per
 * call would cost the hot path, so one coarse sweep looks at all of them; it stops while there is nothing to watch.
 */
export class BodyWatch {
  readonly #timeoutMs: number
  readonly #bytesPerMs: number
  readonly #bodies = new Set<WatchedBody>()
  #timer: NodeJS.Timeout | null = null

  constructor(timeoutMs: number, bytesPerSecondMin: number) {
    this.#timeoutMs = timeoutMs
    this.#bytesPerMs = bytesPerSecondMin / 1000
  }

  add(body: WatchedBody): void {
    this.#bodies.add(body)
    this.#timer ??= setInterval(() => this.#sweep(), Math.min(SWEEP_MS, this.#timeoutMs)).unref()
  }

  delete(body: WatchedBody): void {
    this.#bodies.delete(body)
  }

  #sweep(): void {
    if (this.#bodies.size === 0 && this.#timer) {
      clearInterval(this.#timer)
      this.#timer = null
      return
    }
    const now = performance.now()
    for (const body of this.#bodies) {
      const elapsed = now - body.bodyStartedAt
      if (body.paused || elapsed < this.#timeoutMs || body.received >= elapsed * this.#bytesPerMs) continue
      this.#bodies.delete(body)
      body.bodyTooSlow()
    }
  }
}
