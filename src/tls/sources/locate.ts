import { readdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EXIT } from '../../errors/start-error.ts'
import { MaterialFault } from '../fault.ts'
import { configKey, namingsIn, ownKey, TLS_NAMINGS, type TlsFileRole, type TlsSettings } from '../settings.ts'

/** A file to read: what it is, the config key and path that name it for people, and where it really is right now. */
export interface Place {
  readonly role: TlsFileRole
  readonly key: string
  /** Absolute, as configured. */
  readonly path: string
  /** The same, or the file of the version that a whole directory pointed at when it was looked up. */
  readonly at: string
}

/** What says where the files are. */
export type Located = Pick<TlsSettings, 'files' | 'source' | 'section' | 'passphrase'>

/**
 * The files of a source, in the order certificate, key, CA; a PKCS#12 bundle is one file. The CA file only in mutual
 * mode: Milvus does not read it in one-way mode either (it may be missing).
 * @throws MaterialFault for a path that is not set, and for a directory with no or two sets of names
 */
export async function locate(settings: Located): Promise<readonly Place[]> {
  const { files, source = { kind: 'files' }, section = 'tls' } = settings
  switch (source.kind) {
    case 'files':
      return placesOf(settings)
    case 'directory':
      return inDirectory(source.path, ownKey(section, 'dir'), files.kind === 'mutual')
    case 'pkcs12': {
      const path = resolve(source.path)
      const bundle: Place = { role: 'serverPem', key: ownKey(section, 'pkcs12Path'), path, at: path }
      const hasOwnCa = files.kind === 'mutual' && resolve(files.caPem) !== path
      return hasOwnCa ? [bundle, placed('caPem', files.caPem, section)] : [bundle]
    }
  }
}

function placesOf({ files, section = 'tls' }: Located): readonly Place[] {
  const pair = [placed('serverPem', files.serverPem, section), placed('serverKey', files.serverKey, section)]
  return files.kind === 'mutual' ? [...pair, placed('caPem', files.caPem, section)] : pair
}

function placed(role: TlsFileRole, setting: string, section: string): Place {
  const key = configKey(section, role)
  if (setting === '') {
    throw new MaterialFault(
      EXIT.config,
      `${key}: the path is empty`,
      `set ${key} to a PEM file, or common.security.tlsMode to 0`,
      role,
    )
  }
  const path = resolve(setting)
  return { role, key, path, at: path }
}

/**
 * Follows the links once and reads every file of that version: Kubernetes renames the link `..data` to the next
 * version, and a pair read through the link file by file could be of two.
 */
async function inDirectory(setting: string, key: string, withCa: boolean): Promise<readonly Place[]> {
  const directory = resolve(setting)
  const fault = (text: string, hint: string) => new MaterialFault(EXIT.config, `${key}: ${text}`, hint, 'serverPem')
  let base: string
  let names: readonly string[]
  try {
    base = await realpath(join(directory, '..data')).catch(() => realpath(directory))
    names = await readdir(base)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'EACCES') {
      const hint = `let the server's user (uid ${process.getuid?.() ?? 'unknown'}) read and enter ${directory}`
      throw new MaterialFault(EXIT.noPermission, `${key}: open ${directory}: permission denied`, hint, 'serverPem')
    }
    const why = code === 'ENOENT' ? 'no such directory' : code === 'ENOTDIR' ? 'it is not a directory' : code
    throw fault(
      `open ${directory}: ${why}`,
      `correct ${key}, or make a set with: redkite certs create --dir ${directory}`,
    )
  }
  const present = namingsIn(names)
  const [naming = TLS_NAMINGS[0], other] = present
  if (other !== undefined) {
    throw fault(
      `${directory} holds both server.pem and tls.crt names, and only one set can be meant`,
      `remove one set, or leave ${key} out and name the files by tls.serverPemPath, tls.serverKeyPath and tls.caPemPath`,
    )
  }
  if (present.length === 0) {
    throw fault(
      `${directory} holds neither server.pem and server.key nor tls.crt and tls.key`,
      `put them there, or make a set with: redkite certs create --dir ${directory}`,
    )
  }
  const place = (role: TlsFileRole, name: string): Place => {
    return { role, key, path: join(directory, name), at: join(base, name) }
  }
  const pair = [place('serverPem', naming.certificate), place('serverKey', naming.key)]
  return withCa ? [...pair, place('caPem', naming.ca)] : pair
}
