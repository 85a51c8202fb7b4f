import { readFileSync } from 'node:fs'
import { passwordFromEnvironment } from '../../../config/load.ts'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { Secret } from '../../../model/calls.ts'
import type { Login } from '../../../probe/answers.ts'

/** The options that say who logs in. No option takes a secret: every user of the machine can read a command line. */
export interface LoginOptions {
  readonly user?: string
  readonly passwordFile?: string
  readonly tokenFile?: string
}

/**
 * The login that the options give; null where they give none.
 * @throws StartError (usage) where one is half given or a file cannot be read
 */
export function readLogin({ user, passwordFile, tokenFile }: LoginOptions): Login | null {
  if (tokenFile !== undefined) {
    if (user !== undefined || passwordFile !== undefined) {
      throw new StartError(
        EXIT.usage,
        '--token-file stands for --user and --password-file',
        'give the one or the others',
      )
    }
    const token = firstLine('--token-file', tokenFile)
    const name = token.includes(':') ? token.slice(0, token.indexOf(':')) : 'the API key'
    return { user: name, token: new Secret(token) }
  }
  if (user === undefined) {
    if (passwordFile === undefined) return null
    throw new StartError(EXIT.usage, '--password-file needs --user', 'name the user')
  }
  const password =
    passwordFile === undefined ? passwordFromEnvironment()?.reveal() : firstLine('--password-file', passwordFile)
  if (password === undefined) {
    throw new StartError(EXIT.usage, '--user needs a password', 'give --password-file FILE, or set REDKITE_PASSWORD')
  }
  return { user, token: new Secret(`${user}:${password}`) }
}

function firstLine(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/)[0] ?? ''
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new StartError(EXIT.usage, `cannot read ${option} ${path}: ${why}`, null, { cause })
  }
}
