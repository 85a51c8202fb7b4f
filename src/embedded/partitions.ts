import type { CollectionEntry, PartitionEntry } from '../catalog/entries.ts'
import { checkPartitionName } from '../catalog/names.ts'
import { fault } from '../errors/error.ts'
import { DEFAULT_PARTITION } from '../model/schema.ts'
import { refusePartitionCall } from './partition-key.ts'
import { collectionOf, type Handler, isPartitionLoaded } from './world.ts'

export const createPartition: Handler<'CreatePartition'> = (world, request) => {
  const entry = collectionOf(world, request)
  refusePartitionCall(entry, 'create partition')
  checkPartitionName(request.partition, world.limits.nameBytesMax)
  if (entry.partitions.some((p) => p.name === request.partition)) return null
  if (entry.partitions.length >= world.limits.partitionsMax) {
    throw fault(
      'invalidParameter',
      `partition number (${entry.partitions.length}) exceeds max configuration (${world.limits.partitionsMax})`,
    )
  }
  const ts = world.catalog.clock.next()
  // numbers are never used again: rows of a dropped partition may still be on their way out
  const number = entry.partitionsMade + 1
  const added: PartitionEntry = { id: ts, number, name: request.partition, createdAt: ts }
  world.catalog.putCollection({
    ...entry,
    partitions: [...entry.partitions, added],
    partitionsMade: number,
    updatedAt: ts,
  })
  return null
}

export const dropPartition: Handler<'DropPartition'> = async (world, request) => {
  const entry = collectionOf(world, request)
  refusePartitionCall(entry, 'drop partition')
  if (request.partition === DEFAULT_PARTITION) throw fault('invalidParameter', 'default partition cannot be deleted')
  const partition = entry.partitions.find((p) => p.name === request.partition)
  if (!partition) return null
  if (isPartitionLoaded(entry, partition)) {
    throw fault('invalidParameter', 'partition cannot be dropped, partition is loaded, please release it first')
  }
  await world.live(entry).apply({ kind: 'dropPartition', partition: partition.number })
  const current = collectionOf(world, request)
  const partitions = current.partitions.filter((p) => p.number !== partition.number)
  world.catalog.putCollection({ ...current, partitions, updatedAt: world.catalog.clock.next() })
  return null
}

export const hasPartition: Handler<'HasPartition'> = (world, request) => ({
  value: collectionOf(world, request).partitions.some((p) => p.name === request.partition),
})

export const showPartitions: Handler<'ShowPartitions'> = (world, request) => {
  const entry = collectionOf(world, request)
  const wanted = request.partitions.filter((name) => name !== '')
  for (const name of wanted) partitionNamed(entry, name)
  const shown = entry.partitions.filter((p) => wanted.length === 0 || wanted.includes(p.name))
  return {
    partitions: shown.map((p) => {
      return { name: p.name, id: p.id, createdAt: p.createdAt, loaded: isPartitionLoaded(entry, p) }
    }),
  }
}

export const getPartitionStatistics: Handler<'GetPartitionStatistics'> = async (world, request) => {
  const entry = collectionOf(world, request)
  const { number } = partitionNamed(entry, request.partition)
  return { rowCount: BigInt(await world.live(entry).store.count(null, [number])) }
}

function partitionNamed(entry: CollectionEntry, name: string): PartitionEntry {
  const partition = entry.partitions.find((p) => p.name === name)
  if (!partition) throw fault('partitionNotFound', { partition: name })
  return partition
}
