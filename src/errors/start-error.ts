/**
 * Why a start (or a command) failed, as a process exit code. sysexits, so that systemd prints their names;
 * `RestartPreventExitStatus=64 77 78` in our unit keeps it from trying again what cannot work.
 */
export const EXIT = {
  ok: 0,
  checkFailed: 1,
  usage: 64,
  unavailable: 69,
  internal: 70,
  cannotCreate: 73,
  io: 74,
  temporary: 75,
  noPermission: 77,
  config: 78,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/**
 * A fault that ends a start or a command: one line for the operator that names what was seen, and a hint line with
 * the remedy. Printed by `main.ts`, which alone may exit the process.
 */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly exitCode: ExitCode
  readonly hint: string | null

  constructor(exitCode: ExitCode, message: string, hint: string | null = null, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
    this.hint = hint
  }
}
