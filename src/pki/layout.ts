import { join, resolve } from 'node:path'
import type { Role, SetFiles } from './model.ts'

/** The seven names of the Milvus documentation's `gen.sh`; pymilvus examples, Compose files and Secrets use them. */
export const SET_NAMES = {
  caKey: 'ca.key',
  ca: 'ca.pem',
  caSerial: 'ca.srl',
  serverKey: 'server.key',
  server: 'server.pem',
  clientKey: 'client.key',
  client: 'client.pem',
} as const satisfies Record<keyof SetFiles, string>

/** Private keys are for their owner only; certificates are public. */
export const KEY_MODE = 0o600
export const PUBLIC_MODE = 0o644
export const DIRECTORY_MODE = 0o700

/** Absolute paths of the seven files in `directory` (relative to the working directory, as Milvus resolves paths). */
export function setFiles(directory: string): SetFiles {
  const at = (name: string): string => join(resolve(directory), name)
  return {
    caKey: at(SET_NAMES.caKey),
    ca: at(SET_NAMES.ca),
    caSerial: at(SET_NAMES.caSerial),
    serverKey: at(SET_NAMES.serverKey),
    server: at(SET_NAMES.server),
    clientKey: at(SET_NAMES.clientKey),
    client: at(SET_NAMES.client),
  }
}

/** The key and certificate paths of one role. */
export function pairFiles(files: SetFiles, role: Role): { readonly key: string; readonly certificate: string } {
  return role === 'server'
    ? { key: files.serverKey, certificate: files.server }
    : { key: files.clientKey, certificate: files.client }
}
