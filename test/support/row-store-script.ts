/** What the killed writer and its judge agree on. */
export const WRITERS = 8
export const KEYS_PER_WRITER = 400

export interface ScriptedChange {
  readonly kind: 'upsert' | 'deletePks' | 'deleteWhere'
  readonly from: number
  readonly count: number
  readonly value: number
}

/** The change applied to a map from key to value: the model of the store. */
export function applyToModel(model: ReadonlyMap<bigint, bigint>, change: ScriptedChange): Map<bigint, bigint> {
  const result = new Map(model)
  for (let key = change.from; key < change.from + change.count; key++) {
    if (change.kind === 'upsert') result.set(BigInt(key), BigInt(change.value))
    else result.delete(BigInt(key))
  }
  return result
}
