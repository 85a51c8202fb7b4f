import type { CollectionEntry } from '../catalog/entries.ts'
import type { LiveCollection } from './live-collection.ts'

type Opened = Iterable<readonly [CollectionEntry, LiveCollection]>

/** Live rows of each collection: in segments of its first indexed field, and the rest. For a scrape. */
export function* rowReadings(collections: Opened) {
  for (const [entry, live] of collections) {
    const [first] = live.indexes()
    const sealed = Math.min(live.store.rowCount, first?.index.state().sealedRows ?? 0)
    const labels = { db: entry.db, collection: entry.schema.name }
    yield { labels: { ...labels, state: 'sealed' }, value: sealed }
    yield { labels: { ...labels, state: 'growing' }, value: live.store.rowCount - sealed }
  }
}

/** Segments of each indexed field. For a scrape. */
export function* segmentReadings(collections: Opened) {
  for (const [entry, live] of collections) {
    for (const { field } of entry.indexes) {
      const labels = { db: entry.db, collection: entry.schema.name, field }
      yield { labels, value: live.index(field)?.index.state().segments ?? 0 }
    }
  }
}
