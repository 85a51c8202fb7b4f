/**
 * Every configuration key that Redkite honours, once. Types, defaults, documentation, the sample file, names of
 * environment variables and the shape of `Config` come from here; to add a key, add its row.
 */
import type { z } from 'zod'
import { foldKey } from './fold.ts'
import { identityKeys } from './schema/identity.ts'
import { engineKeys, limitKeys } from './schema/limits.ts'
import { materialKeys } from './schema/material.ts'
import { policyKeys } from './schema/policy.ts'
import { revocationKeys } from './schema/revocation.ts'
import type { KeyRow } from './schema/row.ts'
import { logKeys, serverKeys } from './schema/server.ts'
import { authKeys, tlsKeys } from './schema/tls.ts'
import { upstreamKeys } from './schema/upstream.ts'

/** The rows by section, in the order of the documentation. */
export const sections = [
  { title: 'Ports and process', rows: serverKeys },
  { title: 'Encryption', rows: tlsKeys },
  { title: 'Key material', rows: materialKeys },
  { title: 'TLS policy', rows: policyKeys },
  { title: 'Revocation', rows: revocationKeys },
  { title: 'Users and passwords', rows: authKeys },
  { title: 'Users by certificate', rows: identityKeys },
  { title: 'Upstream', rows: upstreamKeys },
  { title: 'Limits', rows: limitKeys },
  { title: 'Engine', rows: engineKeys },
  { title: 'Log', rows: logKeys },
] as const

const table = {
  ...serverKeys,
  ...tlsKeys,
  ...materialKeys,
  ...policyKeys,
  ...revocationKeys,
  ...authKeys,
  ...identityKeys,
  ...upstreamKeys,
  ...limitKeys,
  ...engineKeys,
  ...logKeys,
}
type Table = typeof table

/** A key of the table, as Milvus spells it. */
export type Key = keyof Table
export type ValueOf<K extends Key> = z.output<Table[K]['type']['schema']>
/** The typed value of every key. */
export type Values = { readonly [K in Key]: ValueOf<K> }

/** The table, by key. */
export const keyTable: Readonly<Record<Key, KeyRow>> = table

/** All keys, in the order of the documentation. */
export const keys: readonly Key[] = sections.flatMap((section) => Object.keys(section.rows).filter(isKey))

/** Whether this is a key of the table, spelled as there. */
export function isKey(key: string): key is Key {
  return Object.hasOwn(table, key)
}

/** A key as it may be written, found in the table: the key itself, or (second best) one of its fallback names. */
export interface Match {
  readonly key: Key
  readonly isFallback: boolean
}

const byFoldedName: ReadonlyMap<string, Match> = new Map([
  ...keys.flatMap((key) =>
    (keyTable[key].fallback ?? []).map((name): [string, Match] => [foldKey(name), { key, isFallback: true }]),
  ),
  ...keys.map((key): [string, Match] => [foldKey(key), { key, isFallback: false }]),
])

/** Looks a name up by Milvus' rule (`foldKey`); null when no key has it. */
export function findKey(name: string): Match | null {
  return byFoldedName.get(foldKey(name)) ?? null
}

type PathOf<K extends Key> = Table[K] extends { effect: 'none' }
  ? never
  : Table[K] extends { as: infer P }
    ? P extends string
      ? P
      : never
    : K extends `redkite.${infer Own}`
      ? Own
      : K

type Flat = { [K in Key as PathOf<K>]: ValueOf<K> }
type Head<P> = P extends `${infer First}.${string}` ? First : P
type Nest<T> = {
  readonly [H in Head<keyof T> & string]: H extends keyof T
    ? T[H]
    : Nest<{ [P in keyof T as P extends `${H}.${infer Rest}` ? Rest : never]: T[P] }>
}

/** The part of `Config` that is the table's values, nested by their paths. `derive.ts` adds what follows from them. */
export type PlainConfig = Nest<Flat>

/** Where the value of a key stands in `Config`; null where it does not. */
export function configPath(key: Key): string | null {
  const row = keyTable[key]
  if (row.effect === 'none' || row.as === null) return null
  return row.as ?? key.replace(/^redkite\./, '')
}
