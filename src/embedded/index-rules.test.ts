import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FieldTypeName } from '../model/fields/table.ts'
import type { FieldSchema } from '../model/schema.ts'
import { planIndex } from './index-rules.ts'

function fieldOf(type: FieldTypeName, dim = 16): FieldSchema {
  return {
    ...{ id: 101, name: 'v', description: '', type, isPrimary: false, autoId: false, isPartitionKey: false },
    ...{ isClusteringKey: false, isDynamic: false, nullable: false, defaultValue: null, dim, maxLength: 0 },
    ...{ maxCapacity: 0, elementType: null, typeParams: {} },
  }
}

describe('an index', () => {
  it('of every name that Milvus has on a CPU is planned, its name kept', () => {
    const cases = [
      ['FloatVector', 'FLAT', 'L2', {}, 'flat'],
      ['FloatVector', 'IVF_SQ8', 'IP', { nlist: '128' }, 'graph'],
      ['FloatVector', 'IVF_PQ', 'L2', { params: '{"nlist":128,"m":4,"nbits":8}' }, 'graph'],
      ['Float16Vector', 'IVF_RABITQ', 'COSINE', { refine: 'true', refine_type: 'SQ8' }, 'graph'],
      ['BFloat16Vector', 'SCANN', 'L2', { with_raw_data: 'True' }, 'graph'],
      ['Float16Vector', 'HNSW_SQ', 'L2', { M: '16', efConstruction: '100', sq_type: 'SQ6' }, 'graph'],
      ['FloatVector', 'HNSW_PQ', 'L2', { m: '4', nbits: '8' }, 'graph'],
      ['FloatVector', 'HNSW_PRQ', 'L2', { m: '4', nrq: '2' }, 'graph'],
      ['FloatVector', 'DISKANN', 'COSINE', {}, 'graph'],
      ['Int8Vector', 'HNSW', 'COSINE', { M: '2048' }, 'graph'],
      ['BinaryVector', 'BIN_FLAT', 'SUPERSTRUCTURE', {}, 'flat'],
      ['BinaryVector', 'BIN_IVF_FLAT', 'JACCARD', { nlist: '1024' }, 'flat'],
      ['BinaryVector', 'HNSW', 'HAMMING', {}, 'flat'],
      ['SparseFloatVector', 'SPARSE_INVERTED_INDEX', 'IP', { inverted_index_algo: 'DAAT_WAND' }, 'flat'],
    ] as const
    for (const [type, index_type, metric_type, params, kind] of cases) {
      const plan = planIndex(fieldOf(type), { index_type, metric_type, ...params })
      assert.deepEqual([plan.indexType, plan.metric, plan.kind], [index_type, metric_type, kind])
    }
  })

  it('of no name takes the metric of its field', () => {
    const metricOf = (type: FieldTypeName) => planIndex(fieldOf(type), {}).metric
    assert.deepEqual(
      ['FloatVector', 'Int8Vector', 'BinaryVector', 'SparseFloatVector'].map((type) => metricOf(type as FieldTypeName)),
      ['COSINE', 'COSINE', 'HAMMING', 'IP'],
    )
  })

  it('with parameters out of their ranges is refused with Milvus’ texts', () => {
    const cases = [
      [
        'FloatVector',
        { index_type: 'HNSW', metric_type: 'L2', M: '2049' },
        /param 'M' \(2049\) should be in range \[2, 2048\]/,
      ],
      [
        'FloatVector',
        { index_type: 'HNSW', metric_type: 'L2', M: 'True' },
        /invalid integer value, key: 'M', value: 'True'/,
      ],
      [
        'FloatVector',
        { index_type: 'HNSW', metric_type: 'L2', M: '16.5' },
        /invalid integer value, key: 'M', value: '16.5'/,
      ],
      ['FloatVector', { index_type: 'HNSW_SQ', metric_type: 'L2', sq_type: 'SQ5' }, /param 'sq_type' \(SQ5\)/],
      ['FloatVector', { index_type: 'IVF_PQ', metric_type: 'L2' }, /param 'm' is required/],
      ['FloatVector', { index_type: 'IVF_PQ', metric_type: 'L2', m: '5' }, /dimension: 16, m: 5/],
      ['FloatVector', { index_type: 'IVF_FLAT', metric_type: 'L2', nlist: '0' }, /should be in range \[1, 65536\]/],
      [
        'FloatVector',
        { index_type: 'HNSW', metric_type: 'HAMMING' },
        /float vector index does not support metric type: HAMMING/,
      ],
      ['FloatVector', { index_type: 'HNSW' }, /metric type not set for vector index/],
      [
        'FloatVector',
        { index_type: 'BIN_FLAT', metric_type: 'L2' },
        /index BIN_FLAT do not support data type: FloatVector/,
      ],
      ['FloatVector', { index_type: 'NO_SUCH', metric_type: 'L2' }, /invalid index type: NO_SUCH/],
      ['FloatVector', { index_type: 'AUTOINDEX', metric_type: 'L2', nlist: '1' }, /only metric type can be passed/],
      [
        'Int8Vector',
        { index_type: 'IVF_FLAT', metric_type: 'L2' },
        /index IVF_FLAT do not support data type: Int8Vector/,
      ],
      [
        'BinaryVector',
        { index_type: 'BIN_IVF_FLAT', metric_type: 'SUBSTRUCTURE' },
        /binary vector index does not support metric type: SUBSTRUCTURE/,
      ],
      [
        'SparseFloatVector',
        { index_type: 'SPARSE_WAND', metric_type: 'L2' },
        /only IP&BM25 is the supported metric type/,
      ],
      ['SparseFloatVector', { index_type: 'SPARSE_WAND', metric_type: 'BM25' }, /only BM25 Function output field/],
      ['SparseFloatVector', { index_type: 'SPARSE_WAND', metric_type: 'IP', drop_ratio_build: '1' }, /\[0, 1\)/],
    ] as const
    for (const [type, params, message] of cases) {
      assert.throws(() => planIndex(fieldOf(type), params), { kind: 'invalidParameter', message })
    }
  })
})
