import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { ExpiryGauge, ExpiryLadder } from './expiry.ts'
import type { Generation } from './generation.ts'
import { Renewal, type RenewalStatus } from './renewal.ts'
import type { TlsSettings } from './settings.ts'
import { certificatesOf } from './status.ts'

const LOOK_EVERY_MS = 3_600_000
const LOOK_MS_MIN = 1_000

/** What upkeep needs of the owner of the material. */
export interface UpkeepTools {
  readonly settings: TlsSettings
  readonly log: Log
  readonly metrics: Metrics
  current(): Generation
  reload(): Promise<unknown>
}

/**
 * What time does to certificates: they end, and are renewed. Looked at when a generation is activated, every hour, and
 * when a renewal is due. The clock is the wall clock: after a sleep or a step of the clock the next look sets it right.
 */
export class Upkeep implements AsyncDisposable {
  readonly #tools: UpkeepTools
  readonly #ladder: ExpiryLadder
  readonly #gauge: ExpiryGauge
  readonly #renewal: Renewal
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> | null = null
  #again = false
  #isClosed = false

  constructor(tools: UpkeepTools) {
    this.#tools = tools
    this.#ladder = new ExpiryLadder(tools.log)
    this.#gauge = new ExpiryGauge(tools.metrics, tools.settings.section ?? 'tls')
    this.#renewal = new Renewal(tools)
  }

  get renewal(): RenewalStatus {
    return this.#renewal.status
  }

  /** A generation was activated: shows its dates and looks at them. */
  activated(): void {
    this.#gauge.show(certificatesOf(this.#tools.current(), new Date()))
    this.#look()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#looking
  }

  /** One look at a time: a renewal activates a generation, which asks for another. */
  #look(): void {
    if (this.#isClosed) return
    if (this.#looking !== null) {
      this.#again = true
      return
    }
    this.#looking = this.#lookNow().finally(() => {
      this.#looking = null
      if (this.#again) {
        this.#again = false
        this.#look()
      } else this.#schedule()
    })
  }

  async #lookNow(): Promise<void> {
    await this.#renewal.look(new Date())
    const now = new Date()
    this.#ladder.look(certificatesOf(this.#tools.current(), now), now, this.#renewal.status)
  }

  #schedule(): void {
    if (this.#isClosed) return
    if (this.#timer) clearTimeout(this.#timer)
    const untilDue = (this.#renewal.nextLook ?? Number.POSITIVE_INFINITY) - Date.now()
    const wait = Math.min(LOOK_EVERY_MS, Math.max(LOOK_MS_MIN, untilDue))
    this.#timer = setTimeout(() => this.#look(), wait).unref()
  }
}
