// Stores three words and finds the nearest, over TLS. npm install @zilliz/milvus2-sdk-node, then
//   redkite run --auto-tls --data redkite-data
//   node quick-start.mjs
// REDKITE_URI and REDKITE_CA name another server and the CA of its certificate.
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'

const client = new MilvusClient({
  address: process.env.REDKITE_URI ?? 'https://localhost:19530',
  tls: { rootCertPath: process.env.REDKITE_CA ?? 'redkite-data/tls/ca.pem' },
})
await client.connectPromise

const collection_name = 'example_words'
await client.dropCollection({ collection_name })
await client.createCollection({
  collection_name,
  fields: [
    { name: 'id', data_type: DataType.Int64, is_primary_key: true },
    { name: 'vector', data_type: DataType.FloatVector, dim: 3 },
    { name: 'word', data_type: DataType.VarChar, max_length: 64 },
  ],
  index_params: [
    { field_name: 'vector', index_type: 'HNSW', metric_type: 'COSINE', params: { M: 16, efConstruction: 200 } },
  ],
})
await client.loadCollection({ collection_name })

const inserted = await client.insert({
  collection_name,
  data: [
    { id: 1, vector: [1, 0, 0], word: 'kite' },
    { id: 2, vector: [0.9, 0.1, 0], word: 'hawk' },
    { id: 3, vector: [0, 0, 1], word: 'stone' },
  ],
})
console.log(`stored ${inserted.insert_cnt} rows`)

const found = await client.search({
  collection_name,
  data: [1, 0.05, 0],
  filter: 'word != "kite"',
  limit: 2,
  output_fields: ['word'],
})
// the SDK reports a failure in the reply's status and does not throw
if (found.status.code !== 0) throw new Error(found.status.reason)
for (const hit of found.results) console.log(`${hit.word} ${hit.score.toFixed(3)}`)

await client.dropCollection({ collection_name })
await client.closeConnection()
