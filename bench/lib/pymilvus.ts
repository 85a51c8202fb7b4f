/** pymilvus' part of the main job: its own reading of the same files, so that nothing of ours is in between. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, withPymilvus } from '../../test/support/clients.ts'
import { FASHION_MNIST } from '../datasets.ts'
import { COLLECTION, TOP_K } from './messages.ts'
import type { Target } from './rpc.ts'

const READ = `
import gzip, json, sys, time
import numpy as np
def images(part):
    with gzip.open(f"${FASHION_MNIST}/{part}-images-idx3-ubyte.gz") as f:
        return np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32)
`

const LOAD = `
rows, batch = ROWS, 1000
vectors = images("train")[:rows]
with gzip.open("${FASHION_MNIST}/train-labels-idx1-ubyte.gz") as f:
    labels = np.frombuffer(f.read(), np.uint8, offset=8)
schema = client.create_schema()
schema.add_field("id", DataType.INT64, is_primary=True)
schema.add_field("vector", DataType.FLOAT_VECTOR, dim=784)
schema.add_field("label", DataType.INT64)
index = client.prepare_index_params()
index.add_index("vector", index_type="HNSW", metric_type="L2", params={"M": 16, "efConstruction": 200})
client.create_collection("${COLLECTION}", schema=schema, index_params=index)
started = time.time()
for at in range(0, rows, batch):
    client.insert("${COLLECTION}", [
        {"id": i, "vector": vectors[i], "label": int(labels[i])} for i in range(at, min(rows, at + batch))])
seconds = time.time() - started
client.flush("${COLLECTION}")
started = time.time()
while True:
    state = client.describe_index("${COLLECTION}", "vector")
    if state["state"] == "Finished" and int(state["indexed_rows"]) == rows and int(state["pending_index_rows"]) == 0:
        break
    time.sleep(0.05)
client.load_collection("${COLLECTION}")
print(json.dumps({"insertSeconds": seconds}))
`

/** 100 queries a call; with a filter those together that ask for the same label. Ids as int64, -1 where there is none. */
const SEARCH = `
queries = images("t10k")
found = np.full((2, len(queries), ${TOP_K}), -1, np.int64)
def search(part, rows, **more):
    for at in range(0, len(rows), 100):
        some = rows[at:at + 100]
        hits = client.search("${COLLECTION}", data=[queries[q] for q in some], limit=${TOP_K}, **more)
        for q, hit in zip(some, hits):
            found[part, q, :len(hit)] = [h["id"] for h in hit]
started = time.time()
search(0, range(len(queries)))
between = time.time()
with gzip.open("${FASHION_MNIST}/t10k-labels-idx1-ubyte.gz") as f:
    own = np.frombuffer(f.read(), np.uint8, offset=8)
for label in range(10):
    search(1, np.flatnonzero(own == label).tolist(), filter=f"label == {label}")
found.tofile("OUT")
print(json.dumps({"unfilteredSeconds": between - started, "filteredSeconds": time.time() - between}))
`

/** Loads the first rows in batches of 1,000 and waits for the index; the seconds that its inserts took. */
export async function pymilvusLoad(target: Target, rows: number): Promise<{ readonly insertSeconds: number }> {
  return await python(target, READ + LOAD.replace('ROWS', String(rows)))
}

export interface Found {
  readonly unfiltered: readonly Float64Array[]
  readonly filtered: readonly Float64Array[]
}

/** The ids of the nearest rows of each of the 10,000 test images, with and without the filter on the label. */
export async function pymilvusSearch(target: Target, scratch: string): Promise<Found> {
  const file = join(scratch, 'found.i64')
  await python(target, READ + SEARCH.replace('OUT', file))
  const ids = new BigInt64Array(new Uint8Array(readFileSync(file)).buffer)
  const all: Float64Array[] = []
  for (let at = 0; at < ids.length; at += TOP_K) all.push(Float64Array.from(ids.subarray(at, at + TOP_K), Number))
  return { unfiltered: all.slice(0, all.length / 2), filtered: all.slice(all.length / 2) }
}

async function python<T>(target: Target, program: string): Promise<T> {
  if (target.mode === 'plain' || !target.set) throw new Error('the main job is run over TLS')
  const ran = await withPymilvus(target.port, { kind: target.mode, set: target.set }, ROOT, program)
  if (ran.exitCode !== 0) throw new Error(`pymilvus: ${ran.stderr.slice(-2000)}`)
  return JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '') as T
}
