import { fault, type RedkiteError } from '../errors/error.ts'
import type { LinkFault } from '../tls/link-error.ts'
import { unreachable } from './faults.ts'
import type { Link } from './link.ts'
import type { LinkContext } from './settings.ts'
import { Slot, type SlotEvents } from './slot.ts'

/** A call that wants a link: told once, at once or later, unless it is forgotten. */
export interface Waiter {
  linked(link: Link): void
  refused(error: RedkiteError): void
}

const WAITING_MAX = 4_096
/** The same cause is logged again after this. */
const REPEAT_MS = 60_000

/**
 * A few links to one upstream, made at the start and kept up. Calls go to the link with the fewest of them; they wait
 * while every link carries as many as the upstream allows, or while the first one is being made. Where the last attempt
 * failed they are refused at once.
 */
export class Pool implements SlotEvents {
  readonly #context: LinkContext
  readonly #slots: readonly Slot[]
  readonly #waiting = new Set<Waiter>()
  readonly #forget: () => void
  /** Why there is no link; null while there is one, or none was tried. */
  #fault: LinkFault | null = null
  #logged = { message: '', at: 0 }

  constructor(context: LinkContext) {
    this.#context = context
    this.#slots = Array.from({ length: context.config.connections }, () => new Slot(context, this))
    this.#forget =
      context.material?.onSwap(() => {
        this.#fault = null
        for (const slot of this.#slots) slot.renew()
      }) ?? (() => {})
    context.metrics.upstreamUp.readFrom(() => [{ labels: {}, value: this.size > 0 ? 1 : 0 }])
    context.metrics.upstreamConnections.readFrom(() => [{ labels: {}, value: this.size }])
    for (const slot of this.#slots) slot.start()
  }

  /** Links that are up. */
  get size(): number {
    let count = 0
    for (const { link } of this.#slots) if (link !== null) count += 1
    return count
  }

  get fault(): LinkFault | null {
    return this.#fault
  }

  acquire(waiter: Waiter): void {
    const link = this.#best()
    if (link) {
      waiter.linked(link)
      return
    }
    if (this.#fault !== null && this.size === 0) {
      waiter.refused(unreachable(this.#context.config.uri, this.#fault.message))
      return
    }
    if (this.#waiting.size >= WAITING_MAX) {
      waiter.refused(fault('overloaded', 'calls waiting for the upstream', { limit: WAITING_MAX }))
      return
    }
    this.#waiting.add(waiter)
  }

  forget(waiter: Waiter): void {
    this.#waiting.delete(waiter)
  }

  close(): void {
    this.#forget()
    for (const slot of this.#slots) slot.close()
    this.#refuseAll('this proxy is stopping')
  }

  up(): void {
    this.#fault = null
    this.#logged = { message: '', at: 0 }
    this.freed()
  }

  down(fault: LinkFault): void {
    if (this.size > 0) return
    this.#fault = fault
    this.#tell('upstream is unavailable', fault)
    this.#refuseAll(fault.message)
  }

  lost(fault: LinkFault): void {
    const { uri } = this.#context.config
    this.#context.log.info('upstream connection ended, another is made', { uri, cause: fault.message })
  }

  freed(): void {
    for (const waiter of this.#waiting) {
      const link = this.#best()
      if (!link) return
      this.#waiting.delete(waiter)
      waiter.linked(link)
    }
  }

  #best(): Link | null {
    let best: Link | null = null
    for (const { link } of this.#slots) {
      if (link?.isOpen && (best === null || link.streams < best.streams)) best = link
    }
    return best
  }

  #refuseAll(cause: string): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const waiter of waiting) waiter.refused(unreachable(this.#context.config.uri, cause))
  }

  #tell(message: string, { message: cause, remedy }: LinkFault): void {
    const now = performance.now()
    if (cause === this.#logged.message && now - this.#logged.at < REPEAT_MS) return
    this.#logged = { message: cause, at: now }
    this.#context.log.warn(message, { uri: this.#context.config.uri, cause, remedy })
  }
}
