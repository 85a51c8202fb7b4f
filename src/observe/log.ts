export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, unknown>>

/** Structured log. `message` is a constant sentence; what varies goes into `fields`. Secrets print as `***`. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same sink with another caller (`tls/material.ts`), which Milvus' format prints in the third bracket. */
  at(caller: string): Log
}

/** Drops everything: for tools and unit tests. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  at: () => silentLog,
}
