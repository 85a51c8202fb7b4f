// Retrieval for a language model: cuts texts into passages, stores them, and puts the best into a prompt.
// The embedding is a toy (counts of hashed words), so that this runs without a model: replace `embed` by yours.
//   redkite run --auto-tls --data redkite-data
//   node rag.mjs "Who made the first kites?"
import { MilvusClient } from '@zilliz/milvus2-sdk-node'

const DIM = 256
const collection_name = 'example_rag'
const documents = {
  'kites.txt':
    'The first kites were made in China of silk and bamboo. Kites carried messages over the walls of a city.',
  'hawks.txt': 'A hawk sees a mouse from the height of a tower. Hawks build their nests of sticks in tall trees.',
}

/** A unit vector of the words in a text. */
function embed(text) {
  const vector = new Array(DIM).fill(0)
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    let hash = 0
    for (const letter of word) hash = (hash * 31 + letter.charCodeAt(0)) % DIM
    vector[hash] += 1
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => value / length)
}

const question = process.argv[2] ?? 'Who made the first kites?'
const client = new MilvusClient({
  address: process.env.REDKITE_URI ?? 'https://localhost:19530',
  tls: { rootCertPath: process.env.REDKITE_CA ?? 'redkite-data/tls/ca.pem' },
})
await client.connectPromise
await client.dropCollection({ collection_name })
// a collection of id and vector; every other key of a row is kept as it comes
await client.createCollection({ collection_name, dimension: DIM, metric_type: 'COSINE', auto_id: true })

const passages = Object.entries(documents).flatMap(([source, text]) =>
  text.split(/(?<=\.)\s+/).map((passage) => ({ vector: embed(passage), passage, source })),
)
await client.insert({ collection_name, data: passages })

const { status, results } = await client.search({
  ...{ collection_name, data: embed(question), limit: 2 },
  output_fields: ['passage', 'source'],
})
if (status.code !== 0) throw new Error(status.reason)

const context = results.map(({ passage, source }) => `- ${passage} (${source})`).join('\n')
console.log(`Answer from these passages only:\n${context}\n\nQuestion: ${question}`)

await client.dropCollection({ collection_name })
await client.closeConnection()
