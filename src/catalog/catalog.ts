import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fault } from '../errors/error.ts'
import { EXIT, StartError } from '../errors/start-error.ts'
import { DEFAULT_DATABASE } from '../model/schema.ts'
import { GuardedDatabase } from '../sqlite/guarded-database.ts'
import { HybridClock } from './clock.ts'
import { fromText, toText } from './codec.ts'
import type { CollectionEntry, CredentialEntry, DatabaseEntry } from './entries.ts'
import { CATALOG_FORMAT } from './format.ts'
import { ROLE_TABLES, RoleStore } from './roles.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS info(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS databases(name TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS collections(id TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS aliases(db TEXT NOT NULL, alias TEXT NOT NULL, collection TEXT NOT NULL,
                                     PRIMARY KEY(db, alias)) STRICT;
  CREATE TABLE IF NOT EXISTS credentials(user TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS doomed(collection TEXT PRIMARY KEY) STRICT;
  ${ROLE_TABLES}
`

/**
 * Databases, collections, aliases, users and roles: held in memory, written through to `catalog.db`.
 * Each change is one durable transaction; the memory changes only after it committed.
 */
export class Catalog implements Disposable {
  readonly clock: HybridClock
  readonly roles: RoleStore
  readonly #file: GuardedDatabase
  readonly #databases = new Map<string, DatabaseEntry>()
  readonly #collections = new Map<bigint, CollectionEntry>()
  readonly #byName = new Map<string, bigint>()
  readonly #aliases = new Map<string, { db: string; alias: string; collection: bigint }>()
  readonly #credentials = new Map<string, CredentialEntry>()

  private constructor(file: GuardedDatabase, clock: HybridClock) {
    this.#file = file
    this.clock = clock
    this.roles = new RoleStore(file)
  }

  /** @throws StartError when the file is damaged or of a newer format */
  static open(dataDirectory: string, now?: () => number): Catalog {
    const path = join(dataDirectory, 'catalog.db')
    const isNew = !existsSync(path)
    try {
      const file = new GuardedDatabase(path, SCHEMA, {
        mustExist: holdsCollections(dataDirectory),
        checkFormat: (format) => checkFormat(path, Number(format ?? CATALOG_FORMAT)),
      })
      const put = file.prepare(
        'INSERT INTO info(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value',
      )
      const get = (key: string): string | null => {
        const row = file.prepare('SELECT value FROM info WHERE key = ?').get(key)
        return typeof row?.['value'] === 'string' ? row['value'] : null
      }
      if (isNew) put.run('format', String(CATALOG_FORMAT))
      // format 2 adds the tables of roles; the number keeps an older version away, which would drop a user and leave
      // the roles to the next user of that name
      if (Number(get('format') ?? 1) < CATALOG_FORMAT) put.run('format', String(CATALOG_FORMAT))
      const clock = new HybridClock(BigInt(get('clock') ?? 0), (to) => put.run('clock', to.toString()), now)
      const catalog = new Catalog(file, clock)
      catalog.#load()
      return catalog
    } catch (cause) {
      if (cause instanceof StartError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      const hint = 'restore the file from a backup; the rows of the collections lie in files of their own'
      throw new StartError(EXIT.io, `cannot read the catalog ${path}: ${why}`, hint, { cause })
    }
  }

  #load(): void {
    for (const row of this.#file.prepare('SELECT entry FROM databases').all()) {
      const entry = fromText<DatabaseEntry>(String(row['entry']))
      this.#databases.set(entry.name, entry)
    }
    for (const row of this.#file.prepare('SELECT entry FROM collections').all()) {
      this.#remember(fromText<CollectionEntry>(String(row['entry'])))
    }
    for (const row of this.#file.prepare('SELECT db, alias, collection FROM aliases').all()) {
      const [db, alias] = [String(row['db']), String(row['alias'])]
      this.#aliases.set(nameKey(db, alias), { db, alias, collection: BigInt(String(row['collection'])) })
    }
    for (const row of this.#file.prepare('SELECT user, hash FROM credentials').all()) {
      const user = String(row['user'])
      this.#credentials.set(user, { user, hash: String(row['hash']) })
    }
    if (!this.#databases.has(DEFAULT_DATABASE)) {
      const ts = this.clock.next()
      this.putDatabase({ id: ts, name: DEFAULT_DATABASE, createdAt: ts, properties: {} })
    }
  }

  #remember(entry: CollectionEntry): void {
    const before = this.#collections.get(entry.id)
    if (before) this.#byName.delete(nameKey(before.db, before.schema.name))
    this.#collections.set(entry.id, Object.freeze(entry))
    this.#byName.set(nameKey(entry.db, entry.schema.name), entry.id)
  }

  databases(): readonly DatabaseEntry[] {
    return [...this.#databases.values()]
  }

  /** @throws RedkiteError `databaseNotFound` */
  database(name: string): DatabaseEntry {
    const entry = this.#databases.get(name)
    if (!entry) throw fault('databaseNotFound', { database: name })
    return entry
  }

  hasDatabase(name: string): boolean {
    return this.#databases.has(name)
  }

  putDatabase(entry: DatabaseEntry): void {
    this.#file
      .prepare('INSERT INTO databases(name, entry) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET entry = excluded.entry')
      .run(entry.name, toText(entry))
    this.#databases.set(entry.name, Object.freeze(entry))
  }

  dropDatabase(name: string): void {
    this.#file.prepare('DELETE FROM databases WHERE name = ?').run(name)
    this.#databases.delete(name)
  }

  /** In order of creation. */
  collections(db: string | null): readonly CollectionEntry[] {
    const all = [...this.#collections.values()].filter((c) => db === null || c.db === db)
    return all.sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  collectionById(id: bigint): CollectionEntry | null {
    return this.#collections.get(id) ?? null
  }

  /** By name or alias; null when there is none. */
  find(db: string, name: string): CollectionEntry | null {
    const key = nameKey(db, name)
    const id = this.#byName.get(key) ?? this.#aliases.get(key)?.collection
    return id === undefined ? null : (this.#collections.get(id) ?? null)
  }

  putCollection(entry: CollectionEntry): void {
    this.#file
      .prepare('INSERT INTO collections(id, entry) VALUES(?, ?) ON CONFLICT(id) DO UPDATE SET entry = excluded.entry')
      .run(entry.id.toString(), toText(entry))
    this.#remember(entry)
  }

  /** Removes the entry and its aliases, and remembers that its files are still to be deleted. */
  dropCollection(id: bigint): void {
    const entry = this.#collections.get(id)
    if (!entry) return
    this.#file.transaction(() => {
      this.#file.prepare('DELETE FROM collections WHERE id = ?').run(id.toString())
      this.#file.prepare('DELETE FROM aliases WHERE collection = ?').run(id.toString())
      this.#file.prepare('INSERT OR IGNORE INTO doomed(collection) VALUES(?)').run(id.toString())
    })
    this.#collections.delete(id)
    this.#byName.delete(nameKey(entry.db, entry.schema.name))
    for (const [key, alias] of this.#aliases) if (alias.collection === id) this.#aliases.delete(key)
  }

  /** Collections whose files a drop has not finished deleting. */
  doomed(): readonly bigint[] {
    return this.#file
      .prepare('SELECT collection FROM doomed')
      .all()
      .map((row) => BigInt(String(row['collection'])))
  }

  forgetDoomed(id: bigint): void {
    this.#file.prepare('DELETE FROM doomed WHERE collection = ?').run(id.toString())
  }

  aliasesOf(collection: bigint): readonly string[] {
    return [...this.#aliases.values()].filter((a) => a.collection === collection).map((a) => a.alias)
  }

  aliases(db: string): readonly { readonly alias: string; readonly collection: bigint }[] {
    return [...this.#aliases.values()].filter((a) => a.db === db)
  }

  aliasTarget(db: string, alias: string): CollectionEntry | null {
    const target = this.#aliases.get(nameKey(db, alias))
    return target ? (this.#collections.get(target.collection) ?? null) : null
  }

  hasCollectionNamed(db: string, name: string): boolean {
    return this.#byName.has(nameKey(db, name))
  }

  putAlias(db: string, alias: string, collection: bigint): void {
    const sql = `INSERT INTO aliases(db, alias, collection) VALUES(?, ?, ?)
                 ON CONFLICT(db, alias) DO UPDATE SET collection = excluded.collection`
    this.#file.prepare(sql).run(db, alias, collection.toString())
    this.#aliases.set(nameKey(db, alias), { db, alias, collection })
  }

  dropAlias(db: string, alias: string): void {
    this.#file.prepare('DELETE FROM aliases WHERE db = ? AND alias = ?').run(db, alias)
    this.#aliases.delete(nameKey(db, alias))
  }

  credentials(): readonly CredentialEntry[] {
    return [...this.#credentials.values()]
  }

  credential(user: string): CredentialEntry | null {
    return this.#credentials.get(user) ?? null
  }

  putCredential(entry: CredentialEntry): void {
    this.#file
      .prepare('INSERT INTO credentials(user, hash) VALUES(?, ?) ON CONFLICT(user) DO UPDATE SET hash = excluded.hash')
      .run(entry.user, entry.hash)
    this.#credentials.set(entry.user, Object.freeze(entry))
  }

  /** With the roles of the user: another one of the same name starts with none. */
  dropCredential(user: string): void {
    this.#file.transaction(() => {
      this.#file.prepare('DELETE FROM credentials WHERE user = ?').run(user)
      this.roles.deleteUserRows(user)
    })
    this.#credentials.delete(user)
    this.roles.forgetUser(user)
  }

  /** What an operator should know of the file although nothing is lost. */
  get remarks(): readonly string[] {
    return this.#file.remarks
  }

  /** Copies the catalog as it is now into a new file. */
  copyTo(file: string): void {
    this.#file.copyTo(file)
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]()
  }
}

function nameKey(db: string, name: string): string {
  return `${db}\u0000${name}`
}

/** @throws StartError for a newer one */
function checkFormat(path: string, format: number): void {
  if (format <= CATALOG_FORMAT) return
  const hint = 'start the newer Redkite on this data, or point redkite.dataDir at another directory'
  throw new StartError(EXIT.config, `${path} has format ${format}, newer than this version's ${CATALOG_FORMAT}`, hint)
}

/** A collection was made here: then there was a catalog. */
function holdsCollections(dataDirectory: string): boolean {
  const collections = join(dataDirectory, 'collections')
  return existsSync(collections) && readdirSync(collections).some((name) => /^\d+$/.test(name))
}
