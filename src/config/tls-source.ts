import { join } from 'node:path'
import { Secret } from '../model/calls.ts'
import { namingsIn, type PassphraseSource, passphraseSource, TLS_NAMINGS, type TlsSource } from '../tls/settings.ts'
import type { TlsMode } from './config.ts'
import type { Key, Values } from './schema.ts'

/** TLS of the external ports as the keys say it. */
export interface TlsConfig {
  readonly mode: TlsMode
  /** Where the files of `mode` come from: by their paths, a directory, or a PKCS#12 bundle. */
  readonly source: TlsSource
  readonly passphrase: PassphraseSource | null
  /** Absolute; null where nobody named or made one. */
  readonly caKeyPath: string | null
}

/** What of the surroundings the keys are completed with. */
export interface TlsSurroundings {
  /** `<dataDir>/tls` with `--auto-tls`, else null. */
  readonly autoDir: string | null
  absolute(path: string): string
  /** File names in a directory; empty where it does not exist. */
  list(path: string): readonly string[]
  /** Adds an error about `key`, located where the value of `cause` was given. */
  add(key: Key, cause: Key, message: string, hint: string): void
}

const MODE = 'common.security.tlsMode'
const PATHS = ['tls.serverPemPath', 'tls.serverKeyPath', 'tls.caPemPath'] as const

/** Names of the files that `--auto-tls` makes. */
const AUTO_TLS = TLS_NAMINGS[0]

/** Completes the keys; contradictions become errors that name both keys. */
export function tlsOf(values: Values, around: TlsSurroundings): TlsConfig {
  refuseContradictions(values, around)
  const { autoDir, absolute } = around
  const isOn = values[MODE] !== 0
  const caKey = values['redkite.tls.caKeyPath']
  const rest = {
    passphrase: withPath(
      passphraseSource(values['redkite.tls.passphraseFile'], values['redkite.tls.passphraseCommand']),
      absolute,
    ),
    caKeyPath: caKey === '' ? null : absolute(caKey),
  }
  if (autoDir !== null) {
    const mode = modeOf(values[MODE] === 2, autoDir, AUTO_TLS)
    return { mode, source: { kind: 'files' }, passphrase: null, caKeyPath: join(autoDir, 'ca.key') }
  }
  if (!isOn) return { mode: { kind: 'plain' }, source: { kind: 'files' }, ...rest }
  if (values['redkite.tls.dir'] !== '') {
    const path = absolute(values['redkite.tls.dir'])
    // what is wrong with the directory is said when it is read: here only which names its files have
    const [naming = AUTO_TLS] = namingsIn(around.list(path))
    return { mode: modeOf(values[MODE] === 2, path, naming), source: { kind: 'directory', path }, ...rest }
  }
  if (values['redkite.tls.pkcs12Path'] !== '') {
    const path = absolute(values['redkite.tls.pkcs12Path'])
    const pair = { serverPem: path, serverKey: path }
    const ca = values['tls.caPemPath']
    const mode: TlsMode =
      values[MODE] === 1
        ? { kind: 'oneWay', ...pair }
        : { kind: 'mutual', ...pair, caPem: ca === '' ? path : absolute(ca) }
    return { mode, source: { kind: 'pkcs12', path }, ...rest }
  }
  return { mode: byPaths(values, around), source: { kind: 'files' }, ...rest }
}

function modeOf(isMutual: boolean, directory: string, naming: (typeof TLS_NAMINGS)[number]): TlsMode {
  const pair = { serverPem: join(directory, naming.certificate), serverKey: join(directory, naming.key) }
  return isMutual ? { kind: 'mutual', ...pair, caPem: join(directory, naming.ca) } : { kind: 'oneWay', ...pair }
}

function byPaths(values: Values, { absolute, add }: TlsSurroundings): TlsMode {
  const mode = values[MODE]
  const file = (key: (typeof PATHS)[number]): string => {
    const path = values[key]
    if (path !== '') return absolute(path)
    const hint = `set ${key}; redkite certs create makes the files, --tls-dir names their directory, --auto-tls does both`
    add(key, MODE, `tlsMode ${mode} needs ${key}`, hint)
    return ''
  }
  const serverPem = file('tls.serverPemPath')
  const serverKey = file('tls.serverKeyPath')
  if (mode === 1) return { kind: 'oneWay', serverPem, serverKey }
  return { kind: 'mutual', serverPem, serverKey, caPem: file('tls.caPemPath') }
}

function withPath(source: PassphraseSource | null, absolute: (path: string) => string): PassphraseSource | null {
  return source?.kind === 'file' ? { kind: 'file', path: absolute(source.path) } : source
}

function isEmpty(value: Values[Key]): boolean {
  return value === '' || (value instanceof Secret && value.reveal() === '')
}

/** Two answers to one question: whichever won, the other was meant by somebody. */
function refuseContradictions(values: Values, { add, autoDir }: TlsSurroundings): void {
  const both = (one: Key, other: Key, what: string) => {
    if (isEmpty(values[one]) || isEmpty(values[other])) return
    add(one, one, `${one} and ${other} both name ${what}`, `leave one of them out (empty: ${other}: '')`)
  }
  for (const section of ['tls', 'internaltls'] as const) {
    both(`redkite.${section}.passphraseFile`, `redkite.${section}.passphraseCommand`, 'the passphrase')
  }
  if (values[MODE] === 0) {
    for (const key of ['redkite.tls.dir', 'redkite.tls.pkcs12Path'] as const) {
      if (values[key] === '' || autoDir !== null) continue
      const hint = `set ${MODE} to 1, or to 2 if clients have certificates too; or leave ${key} out`
      add(key, key, `${key} names certificates, and TLS is off (${MODE} 0)`, hint)
    }
    return
  }
  both('redkite.tls.dir', 'redkite.tls.pkcs12Path', 'the server certificate')
  for (const key of PATHS) both('redkite.tls.dir', key, key === 'tls.caPemPath' ? 'the CA' : 'the server certificate')
  both('redkite.tls.pkcs12Path', 'tls.serverPemPath', 'the server certificate')
  both('redkite.tls.pkcs12Path', 'tls.serverKeyPath', 'the private key')
}
