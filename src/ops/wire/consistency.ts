import { fault } from '../../errors/error.ts'
import { type ConsistencyLevel, consistencyLevels } from '../../model/schema.ts'

/** @throws RedkiteError `invalidParameter` for a number that is no level. */
export function consistencyOf(number: number): ConsistencyLevel {
  const level = consistencyLevels[number]
  if (!level) throw fault('invalidParameter', `consistency level ${number} is invalid, it should be in range [0, 4]`)
  return level
}

export function consistencyNumber(level: ConsistencyLevel): number {
  return consistencyLevels.indexOf(level)
}

/** REST's level names. @throws RedkiteError `invalidParameter` */
export function consistencyByName(name: string): ConsistencyLevel {
  const level = consistencyLevels.find((known) => known === name)
  if (!level) {
    const details = { expected: consistencyLevels.join(', '), actual: name }
    throw fault('invalidParameter', `consistencyLevel can only be [${consistencyLevels.join(', ')}]`, details)
  }
  return level
}

/** The level of a search or query; null = the collection's. */
export function readConsistency(message: {
  useDefaultConsistency: boolean
  consistencyLevel: number
}): ConsistencyLevel | null {
  return message.useDefaultConsistency ? null : consistencyOf(message.consistencyLevel)
}

/** The mirror of `readConsistency`. */
export function consistencyFields(level: ConsistencyLevel | null): {
  useDefaultConsistency: boolean
  consistencyLevel: number
} {
  return level === null
    ? { useDefaultConsistency: true, consistencyLevel: 0 }
    : { useDefaultConsistency: false, consistencyLevel: consistencyNumber(level) }
}
