import type { ExitCode } from '../errors/start-error.ts'

/**
 * Why a set of TLS files cannot be used. At start it becomes a `StartError`; at a reload the old generation stays and
 * this is logged. `message` is one line naming Milvus' context, config key, path and cause.
 */
export class MaterialFault extends Error {
  override readonly name = 'MaterialFault'
  readonly exitCode: ExitCode
  readonly hint: string

  constructor(exitCode: ExitCode, message: string, hint: string) {
    super(message)
    this.exitCode = exitCode
    this.hint = hint
  }
}
