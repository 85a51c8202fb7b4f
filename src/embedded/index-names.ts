/** Every vector index name of Milvus that runs on a CPU, with what it may be asked (milvus-api D1). */
import type { FieldTypeName } from '../model/fields/table.ts'
import type { MetricType } from '../model/schema.ts'

/** What a build parameter may hold. */
export interface ParamRule {
  readonly min: number
  readonly max: number
  /** A fraction is allowed. */
  readonly real?: boolean
  /** `max` itself is not allowed. */
  readonly open?: boolean
  readonly required?: boolean
  readonly dividesDim?: boolean
  readonly oneOf?: readonly string[]
}

export type Family = 'dense' | 'binary' | 'sparse'

/** What an index name stands for. */
export interface IndexRule {
  /** What serves it for dense vectors. */
  readonly kind: 'graph' | 'flat'
  readonly fields: readonly FieldTypeName[]
  readonly metrics: Readonly<Record<Family, readonly MetricType[]>>
  readonly params: Readonly<Record<string, ParamRule>>
}

export function familyOf(type: FieldTypeName): Family {
  return type === 'BinaryVector' ? 'binary' : type === 'SparseFloatVector' ? 'sparse' : 'dense'
}

const INT_MAX = 2 ** 31 - 1
const floats: readonly FieldTypeName[] = ['FloatVector', 'Float16Vector', 'BFloat16Vector']
const dense: readonly FieldTypeName[] = [...floats, 'Int8Vector']
const binary: readonly FieldTypeName[] = ['BinaryVector']
const sparse: readonly FieldTypeName[] = ['SparseFloatVector']

const metrics: IndexRule['metrics'] = {
  dense: ['L2', 'IP', 'COSINE'],
  binary: ['HAMMING', 'JACCARD'],
  sparse: ['IP'],
}
const nlist = { nlist: { min: 1, max: 65_536 } }
const graph = { M: { min: 2, max: 2048 }, efConstruction: { min: 1, max: INT_MAX } }
const refine = {
  refine: { min: 0, max: 0, oneOf: ['TRUE', 'FALSE'] },
  refine_type: { min: 0, max: 0, oneOf: ['SQ6', 'SQ8', 'FP16', 'BF16', 'FP32', 'FLAT'] },
}
const nbits = { nbits: { min: 1, max: 24 } }
const m = { m: { min: 1, max: 65_536, dividesDim: true } }

function of(fields: readonly FieldTypeName[], params: IndexRule['params'] = {}): IndexRule {
  return { kind: 'graph', fields, metrics, params }
}

const sparseParams = {
  inverted_index_algo: {
    min: 0,
    max: 0,
    oneOf: ['TAAT_NAIVE', 'DAAT_WAND', 'DAAT_MAXSCORE', 'BLOCK_MAX_MAXSCORE', 'BLOCK_MAX_WAND', 'SINDI'],
  },
  drop_ratio_build: { min: 0, max: 1, real: true, open: true },
}

export const rules: Readonly<Record<string, IndexRule>> = {
  FLAT: { ...of(dense), kind: 'flat' },
  IVF_FLAT: of(floats, nlist),
  IVF_SQ8: of(floats, nlist),
  IVF_PQ: of(floats, { ...nlist, ...nbits, m: { ...m.m, required: true } }),
  IVF_RABITQ: of(floats, { ...nlist, ...refine }),
  SCANN: of(floats, { ...nlist, with_raw_data: { min: 0, max: 0, oneOf: ['TRUE', 'FALSE'] } }),
  HNSW: of([...dense, ...binary], graph),
  HNSW_SQ: of(floats, {
    ...graph,
    ...refine,
    sq_type: { min: 0, max: 0, oneOf: ['SQ4U', 'SQ6', 'SQ8', 'BF16', 'FP16'] },
  }),
  HNSW_PQ: of(floats, { ...graph, ...refine, ...m, ...nbits }),
  HNSW_PRQ: of(floats, { ...graph, ...refine, ...m, ...nbits, nrq: { min: 1, max: 16 } }),
  DISKANN: of(floats, { max_degree: { min: 1, max: 512 }, search_list_size: { min: 1, max: INT_MAX } }),
  BIN_FLAT: {
    ...of(binary),
    metrics: { ...metrics, binary: [...metrics.binary, 'SUBSTRUCTURE', 'SUPERSTRUCTURE'] },
  },
  BIN_IVF_FLAT: of(binary, nlist),
  SPARSE_INVERTED_INDEX: of(sparse, sparseParams),
  SPARSE_WAND: of(sparse, sparseParams),
  AUTOINDEX: of([...dense, ...binary, ...sparse]),
}
