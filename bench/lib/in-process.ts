/** The baseline: the same searches on the same index, called in this process, without sockets, TLS or messages. */
import { cpSync } from 'node:fs'
import { createVectorEngine } from '../../src/engine/engine.ts'
import type { FieldTypeName } from '../../src/model/fields/table.ts'
import type { FieldSchema } from '../../src/model/schema.ts'
import { silentLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { Dataset } from '../datasets.ts'
import { datasetSource, searchOf, type Throughput, throughput } from '../engine.ts'

export interface InProcess extends AsyncDisposable {
  throughput(inFlight: number, seconds: number): Promise<Throughput>
}

/**
 * Opens a copy of a stopped server's index directory: the very segments that the server searches. Rows must have been
 * inserted in order into an empty collection of `servers.ts`, so that row i has row id i + 1.
 */
export async function openInProcess(
  index: string,
  copy: string,
  data: Dataset,
  carried: readonly FieldSchema[] = CARRIED,
): Promise<InProcess> {
  cpSync(index, copy, { recursive: true, preserveTimestamps: true })
  const engine = createVectorEngine({ log: silentLog, metrics: createMetrics(), threads: 2 })
  const opened = await engine.open({
    ...{ directory: copy, dim: data.dim, metric: data.metric, kind: 'graph', m: 16, efConstruction: 200 },
    ...{ scalars: carried, source: datasetSource(data), sealRows: Number.MAX_SAFE_INTEGER },
  })
  const { sealedRows, growingRows } = opened.state()
  if (sealedRows === 0 || sealedRows + growingRows !== data.rowCount) {
    throw new Error(`the copied index serves ${sealedRows} + ${growingRows} of ${data.rowCount} rows`)
  }
  return {
    throughput: (inFlight, seconds) => throughput(inFlight, seconds, (i) => opened.search(searchOf(data, i))),
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
      await engine[Symbol.asyncDispose]()
    },
  }
}

/** The scalar fields of the collection, as its catalog numbers them. */
const CARRIED: readonly FieldSchema[] = [scalar(100, 'id', 'Int64', true), scalar(102, 'label', 'Int64', false)]
/** Those of the peers' collection. */
export const PEER_CARRIED: readonly FieldSchema[] = [...CARRIED, scalar(103, 'n', 'Int64', false)]

function scalar(id: number, name: string, type: FieldTypeName, isPrimary: boolean): FieldSchema {
  return {
    ...{ id, name, type, isPrimary, description: '', autoId: false, isPartitionKey: false, isClusteringKey: false },
    ...{ isDynamic: false, nullable: false, defaultValue: null, dim: 0, maxLength: 0, maxCapacity: 0 },
    ...{ elementType: null, typeParams: {} },
  }
}
