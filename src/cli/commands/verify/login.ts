import { readFileSync } from 'node:fs'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import type { Login } from '../../../probe/answers.ts'

/**
 * The login of `--user` and `--password-file`; null where no user is given. There is no flag for the password itself:
 * every user of the machine can read a command line.
 * @throws StartError (usage) where one of the two is missing or the file cannot be read
 */
export function readLogin(user: string | undefined, passwordFile: string | undefined): Login | null {
  if (user === undefined && passwordFile === undefined) return null
  if (user === undefined || passwordFile === undefined) {
    throw new StartError(EXIT.usage, '--user and --password-file belong together', 'give both, or neither')
  }
  try {
    const [password = ''] = readFileSync(passwordFile, 'utf8').split(/\r?\n/)
    return { user, password }
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new StartError(EXIT.usage, `cannot read the password file ${passwordFile}: ${why}`, null, { cause })
  }
}
