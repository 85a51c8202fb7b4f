import type { ExitCode } from '../errors/start-error.ts'
import type { TlsFileRole } from './settings.ts'

/**
 * Why a set of TLS files cannot be used. At start it becomes a `StartError`; at a reload the old generation stays and
 * this is logged. `message` is one line naming Milvus' context, config key, path and cause.
 */
export class MaterialFault extends Error {
  override readonly name = 'MaterialFault'
  readonly exitCode: ExitCode
  readonly hint: string
  /** The file it is about, where Milvus' context is still to be put before the message. */
  readonly role: TlsFileRole | null

  constructor(exitCode: ExitCode, message: string, hint: string, role: TlsFileRole | null = null) {
    super(message)
    this.exitCode = exitCode
    this.hint = hint
    this.role = role
  }
}
