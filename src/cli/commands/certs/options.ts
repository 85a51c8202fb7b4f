import { type Command, InvalidArgumentError, Option } from 'commander'
import { KEY_KINDS, type KeyKind, type SubjectFields } from '../../../pki/model.ts'

/** Where the seven files of a set are, when `--dir` is not given; the documentation's scripts use the same name. */
export const DIRECTORY_DEFAULT = 'cert'

/** The subject flags, as commander gives them. */
export interface SubjectOptions {
  readonly country?: string
  readonly state?: string
  readonly location?: string
  readonly organization?: string
  readonly unit?: string
}

/** `--dir DIR`. */
export function directoryOption(): Option {
  return new Option('--dir <directory>', 'directory of the certificate set').default(DIRECTORY_DEFAULT)
}

/** `--days N` and `--key ec|rsa`; their defaults differ by command, so none is set here. */
export function addKeyOptions(command: Command, daysText: string, keyText: string): Command {
  return command
    .addOption(new Option('--days <n>', daysText).argParser(wholeNumber))
    .addOption(new Option('--key <kind>', keyText).choices(KEY_KINDS))
}

/** The five subject flags: the variables of the documentation's script besides the common name. */
export function addSubjectOptions(command: Command): Command {
  return command
    .option('--country <code>', 'subject C: two letters')
    .option('--state <name>', 'subject ST')
    .option('--location <name>', 'subject L')
    .option('--organization <name>', 'subject O')
    .option('--unit <name>', 'subject OU')
}

/** The subject that the flags give, or null when none was given. */
export function subjectFrom(options: SubjectOptions): SubjectFields | null {
  const { country, state, location, organization, unit } = options
  const subject: SubjectFields = {
    ...(country === undefined ? {} : { country }),
    ...(state === undefined ? {} : { state }),
    ...(location === undefined ? {} : { location }),
    ...(organization === undefined ? {} : { organization }),
    ...(unit === undefined ? {} : { unit }),
  }
  return Object.keys(subject).length === 0 ? null : subject
}

/** The part of a request that `--days` and `--key` give; absent flags leave no key behind. */
export function keyRequest(options: { readonly days?: number; readonly key?: KeyKind }): {
  readonly days?: number
  readonly key?: KeyKind
} {
  return {
    ...(options.days === undefined ? {} : { days: options.days }),
    ...(options.key === undefined ? {} : { key: options.key }),
  }
}

/** The number of a `--days`. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('it must be a whole number of days.')
}
