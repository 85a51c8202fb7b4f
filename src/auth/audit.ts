import { fault, toRedkiteError } from '../errors/error.ts'
import type { AuditFile } from '../observe/audit-file.ts'
import type { Caller, Principal } from '../service.ts'
import { type AuditLevel, auditClass, records } from './audit-levels.ts'

/** The protocol that a call came by. */
export type CallProtocol = 'gRPC' | 'REST'

export interface AuditOptions {
  readonly file: AuditFile
  /** `redkite.audit.level`. */
  readonly level: AuditLevel
  /** `redkite.audit.required`: what cannot be recorded is refused. */
  readonly required: boolean
}

/** What is recorded of a refused connection; `certificate` null = the client had none, absent = none was looked at. */
export interface RefusedConnection {
  readonly reason: string
  readonly peer: string
  readonly protocol?: string | undefined
  readonly certificate?: { readonly subject: string; readonly issuer: string; readonly serial: string } | null
}

/** Refused logins of one connection that are each recorded; of further ones every hundredth. */
const REFUSALS_EACH = 10
const REFUSALS_STEP = 100
/** Most names of a list in a line. */
const NAMES_MAX = 16
/** Longest name in a line: names come from clients. */
const NAME_CHARS_MAX = 255
/** What of a request says what it was about: names only, never rows, vectors, filters or passwords. */
const NAME_FIELDS = [
  'db',
  'collection',
  'partition',
  'partitions',
  'alias',
  'name',
  'field',
  'newName',
  'newDb',
  'user',
] as const

/** Writes who did what, how they proved who they are, and what came of it; one line each. */
export class Audit {
  readonly #options: AuditOptions
  /** What was recorded of a connection's logins; a connection is known by its facts, which are one object. */
  readonly #connections = new WeakMap<Caller, { readonly seen: Set<string>; refusals: number }>()
  /** By RPC, so that a call that is not recorded costs one look. */
  readonly #recorded = new Map<string, boolean>()

  constructor(options: AuditOptions) {
    this.#options = options
  }

  /** Whether this RPC is recorded. */
  covers(rpc: string): boolean {
    const known = this.#recorded.get(rpc)
    if (known !== undefined) return known
    const covered = records(this.#options.level, auditClass(rpc))
    this.#recorded.set(rpc, covered)
    return covered
  }

  /** @throws RedkiteError `serviceUnavailable` where nothing may happen unrecorded, and the file cannot be written */
  demand(): void {
    if (!this.#options.required) return
    const why = this.#options.file.fault()
    if (why !== null) throw fault('serviceUnavailable', `the audit log cannot be written (${why}), and it is required`)
  }

  /** A login that succeeded: recorded at its first call on each connection, since every call logs in. */
  login(principal: Principal, caller: Caller, protocol: CallProtocol): void {
    const connection = this.#connection(caller)
    const key = principal.kind === 'user' ? `${principal.user}\0${principal.proof}` : ''
    if (connection.seen.has(key)) return
    connection.seen.add(key)
    this.#write('login', { ...who(principal), ...where(caller, protocol), outcome: 'ok' })
  }

  /** @param user whom the caller claimed to be; null = nobody, or no name of a user */
  loginRefused(user: string | null, thrown: unknown, caller: Caller, protocol: CallProtocol): void {
    const connection = this.#connection(caller)
    connection.refusals++
    if (connection.refusals > REFUSALS_EACH && connection.refusals % REFUSALS_STEP !== 0) return
    const { kind, row, message } = toRedkiteError(thrown)
    const reason = message.slice(0, NAME_CHARS_MAX)
    const outcome = { outcome: kind, code: row.code, reason, refusals: connection.refusals }
    this.#write('login', { user, ...where(caller, protocol), ...outcome })
  }

  /** A client whose certificate was refused; once for each cause and minute, as the log has it. */
  connectionRefused({ reason, peer, certificate, protocol }: RefusedConnection, listener: string): void {
    if (certificate === undefined) return
    const { subject = '', issuer = '', serial = '' } = certificate ?? {}
    const shown = certificate && { subject: clip(subject), issuer: clip(issuer), serial: clip(serial) }
    this.#write('connection', { peer, listener, tls: protocol ?? null, certificate: shown, outcome: 'refused', reason })
  }

  /** @throws RedkiteError as `demand` */
  administration(what: string, principal: Principal, outcome: string, caller: Caller, protocol: CallProtocol): void {
    const fields = { ...who(principal), ...where(caller, protocol), what: clip(what) }
    this.#write('administration', { ...fields, outcome: this.#isRefused() ? 'serviceUnavailable' : outcome })
    this.demand()
  }

  /** A call that is passed on: what came of it is known elsewhere. @throws RedkiteError as `demand` */
  forwarded(rpc: string, db: string, principal: Principal, caller: Caller, isAdmitted: boolean): void {
    const outcome = !isAdmitted ? 'permissionDenied' : this.#isRefused() ? 'serviceUnavailable' : 'forwarded'
    this.#write('call', { ...who(principal), ...where(caller, 'gRPC'), rpc, ...namesOf({ db }), outcome })
    if (isAdmitted) this.demand()
  }

  /** Runs a call and records it. */
  async call<T>(
    what: { readonly rpc: string; readonly request: object; readonly principal: Principal; readonly caller: Caller },
    protocol: CallProtocol,
    run: () => Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now()
    const record = (outcome: object) =>
      this.#write('call', {
        ...who(what.principal),
        ...where(what.caller, protocol),
        rpc: what.rpc,
        ...namesOf(what.request),
        ...outcome,
        ms: Math.round((performance.now() - startedAt) * 100) / 100,
      })
    try {
      this.demand()
      const reply = await run()
      record({ outcome: 'ok', code: 0, ...rowsOf(reply) })
      return reply
    } catch (thrown) {
      const { kind, row } = toRedkiteError(thrown)
      record({ outcome: kind, code: row.code })
      throw thrown
    }
  }

  #isRefused(): boolean {
    return this.#options.required && this.#options.file.fault() !== null
  }

  #connection(caller: Caller): { readonly seen: Set<string>; refusals: number } {
    const known = this.#connections.get(caller)
    if (known) return known
    const fresh = { seen: new Set<string>(), refusals: 0 }
    this.#connections.set(caller, fresh)
    return fresh
  }

  #write(event: string, fields: object): void {
    this.#options.file.write({ time: new Date().toISOString(), event, ...fields })
  }
}

function who(principal: Principal): object {
  return principal.kind === 'user' ? { user: principal.user, proof: principal.proof } : { user: null, proof: 'none' }
}

function where({ peer, listener, tls }: Caller, protocol: CallProtocol): object {
  const client = tls?.client ?? null
  return {
    peer,
    listener,
    protocol,
    tls: tls?.version ?? null,
    generation: tls?.generation ?? null,
    certificate: client && { subject: clip(client.subject), sha256: client.fingerprint256, user: client.user },
  }
}

function namesOf(request: object): object {
  const fields: Readonly<Record<string, unknown>> = { ...request }
  const names: Record<string, unknown> = {}
  for (const field of NAME_FIELDS) {
    const value = fields[field]
    if (typeof value === 'string' && value !== '') names[field === 'user' ? 'target' : field] = clip(value)
    if (!Array.isArray(value) || value.length === 0) continue
    names[field] = value
      .filter((item) => typeof item === 'string')
      .slice(0, NAMES_MAX)
      .map(clip)
  }
  return names
}

function rowsOf(reply: unknown): object {
  const isCounted = typeof reply === 'object' && reply !== null && 'count' in reply && typeof reply.count === 'number'
  return isCounted ? { rows: reply.count } : {}
}

function clip(text: string): string {
  return text.length <= NAME_CHARS_MAX ? text : `${text.slice(0, NAME_CHARS_MAX)}…`
}
