/** Compares the files of segments with what their markers record, off the main thread. Loaded as a worker only. */
import { parentPort, workerData } from 'node:worker_threads'
import { differingFile, type SegmentMarker } from './segment-files.ts'

/** A segment folder and what its marker says of it. */
export interface Folder {
  readonly directory: string
  readonly marker: SegmentMarker
}

function difference({ directory, marker }: Folder): string | null {
  try {
    return differingFile(directory, marker.files)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const folders: readonly Folder[] = workerData
parentPort?.postMessage(folders.map(difference))
