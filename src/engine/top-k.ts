/** A bounded heap of the best hits: best score first, equal scores by ascending row id. */
import type { MetricType } from '../model/schema.ts'

/** Whether a smaller score is the better one: all distances. */
export function smallerIsBetter(metric: MetricType): boolean {
  return metric !== 'IP' && metric !== 'COSINE'
}

/** Hits of one query, best first. */
export interface RankedHits {
  readonly rids: Float64Array
  readonly scores: Float32Array
}

/** One range of scores in Milvus' terms; both ends optional. */
export interface ScoreRange {
  readonly radius: number | null
  readonly rangeFilter: number | null
}

/** Milvus' range search: similarity `radius < score <= rangeFilter`, distance `rangeFilter <= score < radius`. */
export function inRange(metric: MetricType, range: ScoreRange, score: number): boolean {
  const { radius, rangeFilter } = range
  if (smallerIsBetter(metric)) {
    return (radius === null || score < radius) && (rangeFilter === null || score >= rangeFilter)
  }
  return (radius === null || score > radius) && (rangeFilter === null || score <= rangeFilter)
}

/** True when every score worse than this one lies outside the range too, so that looking further finds nothing. */
export function beyondRadius(metric: MetricType, range: ScoreRange, score: number): boolean {
  if (range.radius === null) return false
  return smallerIsBetter(metric) ? score >= range.radius : score <= range.radius
}

/** Keeps the k best of what it is offered. The root of the heap is the worst kept hit. */
export class TopK {
  #size = 0
  /** Score with its sign turned so that smaller is better. */
  readonly #keys: Float64Array
  readonly #rids: Float64Array
  readonly #sign: number
  readonly #k: number

  constructor(metric: MetricType, k: number) {
    this.#k = k
    this.#keys = new Float64Array(k)
    this.#rids = new Float64Array(k)
    this.#sign = smallerIsBetter(metric) ? 1 : -1
  }

  get size(): number {
    return this.#size
  }

  /** A NaN score never enters: it compares false with everything. */
  offer(rid: number, score: number): void {
    const key = score * this.#sign
    if (this.#size < this.#k) {
      if (Number.isNaN(key)) return
      this.#rise(this.#size++, key, rid)
      return
    }
    const worst = this.#keys[0] ?? 0
    if (key < worst || (key === worst && rid < (this.#rids[0] ?? 0))) this.#sink(key, rid)
  }

  /** Best first. The heap is left as it was. */
  ranked(): RankedHits {
    const size = this.#size
    const order = Uint32Array.from({ length: size }, (_, i) => i)
    const keys = this.#keys
    const rids = this.#rids
    order.sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0) || (rids[a] ?? 0) - (rids[b] ?? 0))
    const ranked = { rids: new Float64Array(size), scores: new Float32Array(size) }
    for (let i = 0; i < size; i++) {
      const at = order[i] ?? 0
      ranked.rids[i] = rids[at] ?? 0
      // 0 - x rather than -x: a similarity of zero must not come out as -0.
      ranked.scores[i] = this.#sign === 1 ? (keys[at] ?? 0) : 0 - (keys[at] ?? 0)
    }
    return ranked
  }

  #rise(from: number, key: number, rid: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#worse(key, rid, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#put(at, key, rid)
  }

  #sink(key: number, rid: number): void {
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= this.#size) break
      const right = child + 1
      if (right < this.#size && this.#worse(this.#keys[right] ?? 0, this.#rids[right] ?? 0, child)) child = right
      if (this.#worse(key, rid, child)) break
      this.#move(child, at)
      at = child
    }
    this.#put(at, key, rid)
  }

  #worse(key: number, rid: number, than: number): boolean {
    const other = this.#keys[than] ?? 0
    return key > other || (key === other && rid > (this.#rids[than] ?? 0))
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#keys[from] ?? 0, this.#rids[from] ?? 0)
  }

  #put(at: number, key: number, rid: number): void {
    this.#keys[at] = key
    this.#rids[at] = rid
  }
}
