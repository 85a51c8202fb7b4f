import { setTimeout as after } from 'node:timers'
import type { LinkFault } from '../tls/link-error.ts'
import { dial } from './dial.ts'
import { LinkDown } from './faults.ts'
import { Link, type LinkEvents } from './link.ts'
import type { LinkContext } from './settings.ts'

const BACK_OFF_MS_MIN = 100
const BACK_OFF_MS_MAX = 2_000
/** A link that ends sooner than this without having served, for the second time in a row, is a failed attempt. */
const SETTLED_MS = 1_000

export interface SlotEvents {
  up(link: Link): void
  /** No link, and the last attempt failed. */
  down(fault: LinkFault): void
  /** The link takes no more calls; another is being made. */
  lost(fault: LinkFault): void
  freed(): void
}

/** Keeps one link to the upstream up: dials, and dials again with growing pauses. */
export class Slot implements LinkEvents {
  readonly #context: LinkContext
  readonly #events: SlotEvents
  #link: Link | null = null
  /** Retired ones with calls under way. */
  readonly #leaving = new Set<Link>()
  #timer: NodeJS.Timeout | null = null
  #failures = 0
  #dialling = 0
  #isClosed = false

  constructor(context: LinkContext, events: SlotEvents) {
    this.#context = context
    this.#events = events
  }

  get link(): Link | null {
    return this.#link
  }

  start(): void {
    this.#dialAfter(0)
  }

  /** New material: calls under way finish on the old link, the next go over a new one. */
  renew(): void {
    this.#failures = 0
    if (this.#link) this.#link.retire('its certificates changed')
    else this.#dialAfter(0)
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer) clearTimeout(this.#timer)
    for (const link of [this.#link, ...this.#leaving]) link?.destroy()
  }

  retired(link: Link, fault: LinkFault): void {
    if (link !== this.#link) return
    this.#link = null
    if (!link.isLost) this.#leaving.add(link)
    const isEarly = !link.hasServed && performance.now() - link.openedAt < SETTLED_MS
    if (isEarly && this.#failures > 0) {
      this.#failed(fault)
      return
    }
    this.#failures = isEarly ? 1 : 0
    this.#events.lost(fault)
    this.#dialAfter(0)
  }

  freed(link: Link): void {
    if (link.streams === 0) this.#leaving.delete(link)
    if (link === this.#link) this.#events.freed()
  }

  #failed(fault: LinkFault): void {
    const pause = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** this.#failures)
    this.#failures += 1
    this.#events.down(fault)
    // spread, so that many proxies do not knock at the same moment
    this.#dialAfter(pause * (0.75 + Math.random() / 2))
  }

  #dialAfter(milliseconds: number): void {
    if (this.#isClosed) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = after(() => void this.#dial(), milliseconds)
    this.#timer.unref()
  }

  /** Of two attempts at the same time only the later counts: the material may have changed in between. */
  async #dial(): Promise<void> {
    this.#dialling += 1
    const attempt = this.#dialling
    try {
      const dialled = await dial(this.#context)
      if (this.#isClosed || attempt !== this.#dialling) {
        dialled.session.destroy()
        return
      }
      const { uri, serverName } = this.#context.config
      const { tls } = dialled
      const facts = tls === null ? { tls: 'off' } : { ...tls, serverName, verified: true }
      this.#context.log.info('upstream connected', { uri, ...facts })
      const link = new Link(dialled, this.#context.config.keepaliveMs, this)
      this.#link = link
      this.#events.up(link)
    } catch (error) {
      if (this.#isClosed || attempt !== this.#dialling) return
      const remedy = 'see the server log'
      const fault = error instanceof LinkDown ? error.fault : { message: String(error), remedy }
      this.#failed(fault)
    }
  }
}
