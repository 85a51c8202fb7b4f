/**
 * `@zvec/zvec` behind our door: the only file that imports it. Measured rules (docs/adr, reference of the engine):
 * a collection that is optimised after a delete holds other rows' vectors (alibaba/zvec #724), so a segment is
 * insert-only, optimised once, and opened read-only ever after; but for a time stamp its files never change again.
 *
 * Scores by experiment with 0.7.0: L2 squared as Milvus; IP is the dot product; COSINE is 1 - cos, a zero vector 1.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as Zvec from '@zvec/zvec'
import type { Column } from '../../model/columns.ts'
import type { FieldSchema, MetricType } from '../../model/schema.ts'
import type {
  CarriedField,
  NativeHits,
  NativeLibrary,
  NativeQuery,
  NativeSegment,
  SegmentBuilder,
  SegmentSpec,
} from './contract.ts'

const PACKAGE = '@zvec/zvec'
/** zvec 0.7.0 refuses a larger `ef`. */
const EF_MAX = 2048
/** zvec takes at most 1,024 documents a call. */
const INSERT_ROWS = 500
const VECTOR = 'v'
/** Our own row id column: zvec cannot filter by its document id. */
const RID = 'rid'

const INDEX_FILE = '.proxima'
/**
 * Closing an index file writes the time into it, twice, and the checksum over the first, although it was opened
 * read-only (0.7.0; the offsets are the same for 5 MB and 200 MB, every metric).
 */
const CLOSE_TIME = [
  [0x100f80, 4],
  [0x100fb0, 8],
  [0x102060, 8],
] as const

type Api = typeof Zvec

let loaded: NativeLibrary | null | undefined
let reason = ''

/** The library, or null where no build exists for this platform (then `whyNoZvec` says what happened). */
export function loadZvec(): NativeLibrary | null {
  if (loaded !== undefined) return loaded
  try {
    const require = createRequire(import.meta.url)
    const api: Api = require(PACKAGE)
    // The package exports no `package.json`, so it is read beside the entry point.
    const manifest: { version: string } = require(join(dirname(require.resolve(PACKAGE)), '..', 'package.json'))
    // Its own log goes to stderr; what it reports comes back to us as an error anyway.
    api.ZVecInitialize({ logLevel: api.ZVecLogLevel.FATAL })
    loaded = library(api, manifest.version)
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error)
    loaded = null
  }
  return loaded
}

/** Why `loadZvec` gave null. */
export function whyNoZvec(): string {
  return reason
}

function library(api: Api, version: string): NativeLibrary {
  return {
    name: 'zvec',
    version,
    efMax: EF_MAX,
    volatileBytes: (path) => (path.endsWith(INDEX_FILE) ? CLOSE_TIME : []),
    carries: (field) => scalarType(api, field.type) !== null,
    create: (directory, spec) => createBuilder(api, directory, spec),
    open: (directory, spec) => openSegment(api, directory, spec),
  }
}

/**
 * How a field type is stored, or null when it cannot be. Float is widened to DOUBLE: then a literal compares as it
 * does in the row store, where 0.1 and the float nearest to it differ.
 */
function scalarType(api: Api, type: FieldSchema['type']): Zvec.ZVecDataType | null {
  const { ZVecDataType: t } = api
  switch (type) {
    case 'Bool':
      return t.BOOL
    case 'Int8':
    case 'Int16':
    case 'Int32':
      return t.INT32
    case 'Int64':
      return t.INT64
    case 'Float':
    case 'Double':
      return t.DOUBLE
    case 'VarChar':
      return t.STRING
    default:
      return null
  }
}

function metricType(api: Api, metric: MetricType): Zvec.ZVecMetricType {
  if (metric !== 'L2' && metric !== 'IP' && metric !== 'COSINE') throw new Error(`zvec has no metric ${metric} here`)
  return api.ZVecMetricType[metric]
}

function createBuilder(api: Api, directory: string, spec: SegmentSpec): SegmentBuilder {
  const inverted = { indexType: api.ZVecIndexType.INVERT } as const
  const fields: Zvec.ZVecFieldSchema[] = [
    { name: RID, dataType: api.ZVecDataType.INT64, nullable: false, indexParams: inverted },
  ]
  for (const { name, type } of spec.carried) {
    const dataType = scalarType(api, type)
    if (dataType === null) throw new Error(`field ${name} of type ${type} cannot be carried`)
    // Nullable whatever the schema says: a value that cannot be carried exactly is left out.
    fields.push({ name, dataType, nullable: true, indexParams: inverted })
  }
  const schema = new api.ZVecCollectionSchema({
    name: 'segment',
    vectors: {
      name: VECTOR,
      dataType: api.ZVecDataType.VECTOR_FP32,
      dimension: spec.dim,
      indexParams: {
        indexType: api.ZVecIndexType.HNSW,
        metricType: metricType(api, spec.metric),
        m: spec.m,
        efConstruction: spec.efConstruction,
      },
    },
    fields,
  })
  const collection = api.ZVecCreateAndOpen(directory, schema, { enableMMAP: true })
  const inexact = new Set<string>()
  return {
    insert(rids, vectors, scalars) {
      for (let from = 0; from < rids.length; from += INSERT_ROWS) {
        const docs: Zvec.ZVecDocInput[] = []
        for (let row = from; row < Math.min(from + INSERT_ROWS, rids.length); row++) {
          docs.push({
            id: String(rids[row]),
            vectors: { [VECTOR]: vectors.subarray(row * spec.dim, (row + 1) * spec.dim) },
            fields: { [RID]: rids[row], ...carriedValues(spec.carried, scalars, row, inexact) },
          })
        }
        const bad = collection.insertSync(docs).find((status) => !status.ok)
        if (bad) throw new Error(`zvec refused a row: ${bad.message}`)
      }
    },
    async finish() {
      await collection.optimize()
      collection.closeSync()
      return { exact: spec.carried.map((field) => field.name).filter((name) => !inexact.has(name)) }
    },
    abandon: () => collection.closeSync(),
  }
}

/** Null is an absent key. A value that would change on the way marks its field inexact and is left out. */
function carriedValues(
  carried: readonly CarriedField[],
  scalars: readonly Column[],
  row: number,
  inexact: Set<string>,
): Record<string, number | string | boolean> {
  const values: Record<string, number | string | boolean> = {}
  carried.forEach(({ name }, index) => {
    const column = scalars[index]
    if (!column) throw new Error(`no column for carried field ${name}`)
    if (column.valid && column.valid[row] === 0) return
    const value = carriedValue(column, row)
    if (value === null) inexact.add(name)
    else values[name] = value
  })
  return values
}

function carriedValue({ data }: Column, row: number): number | string | boolean | null {
  switch (data.kind) {
    case 'bool':
      return data.values[row] === 1
    case 'long': {
      const value = Number(data.values[row])
      return Number.isSafeInteger(value) ? value : null
    }
    case 'int':
    case 'float':
    case 'double': {
      const value = data.values[row] ?? 0
      return Number.isFinite(value) ? value : null
    }
    case 'string':
      return data.values[row] ?? ''
    default:
      return null
  }
}

function openSegment(api: Api, directory: string, { dim, metric }: { dim: number; metric: MetricType }): NativeSegment {
  const collection = api.ZVecOpen(directory, { readOnly: true, enableMMAP: true })
  const { docCount, indexCompleteness } = collection.stats
  const dimension = collection.schema.vector(VECTOR).dimension
  if (dimension !== dim || indexCompleteness[VECTOR] !== 1) {
    collection.closeSync()
    throw new Error(`segment of dim ${dimension}, index ${indexCompleteness[VECTOR]} complete; want ${dim} and 1`)
  }
  return {
    count: docCount,
    async search({ query, k, ef, filter }: NativeQuery): Promise<NativeHits> {
      const width = ef === 'linear' ? { isLinear: true } : { ef: Math.min(EF_MAX, Math.max(1, ef)) }
      const docs = await collection.query({
        fieldName: VECTOR,
        vector: query,
        topk: k,
        outputFields: [],
        params: { indexType: api.ZVecIndexType.HNSW, ...width },
        ...(filter === null ? {} : { filter }),
      })
      const hits = { rids: new Float64Array(docs.length), scores: new Float32Array(docs.length) }
      docs.forEach((doc, i) => {
        hits.rids[i] = Number(doc.id)
        hits.scores[i] = metric === 'COSINE' ? 1 - doc.score : doc.score
      })
      return hits
    },
    fetch(rids) {
      const docs = collection.fetchSync({ ids: rids.map(String), outputFields: [], includeVector: true })
      const found = new Map<number, Float32Array>()
      for (const doc of Object.values(docs)) {
        const vector = doc.vectors?.[VECTOR]
        if (vector instanceof Float32Array) found.set(Number(doc.id), vector)
        else if (Array.isArray(vector)) found.set(Number(doc.id), Float32Array.from(vector))
      }
      return found
    },
    ridFilter: (rids) => `${RID} in (${[...rids].join(',')})`,
    close: () => collection.closeSync(),
  }
}
