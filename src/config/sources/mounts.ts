import { posix } from 'node:path'
import { isMap, isSeq, type ParsedNode } from 'yaml'
import type { Entry, Finding } from '../finding.ts'
import { findKey } from '../schema.ts'
import { lookUpText, pairsOf, type YamlText } from './yaml.ts'

/** Where the containers of Milvus (and ours) work, so that `tls/server.pem` is `/milvus/tls/server.pem`. */
const WORK_DIRECTORY = '/milvus'

/**
 * Certificate paths that no volume of the same manifest brings into the container: a slip that otherwise shows only
 * as a pod that does not start.
 */
export function unmountedPaths(yaml: YamlText, root: ParsedNode, entries: readonly Entry[]): readonly Finding[] {
  const mounts = mountPaths(yaml, root, new Set())
  return entries.flatMap((entry): readonly Finding[] => {
    const key = findKey(entry.key)?.key
    if (key === undefined || !/^(tls|internaltls)\..*Path$/.test(key) || entry.value === '') return []
    const path = posix.resolve(WORK_DIRECTORY, entry.value)
    if (mounts.some((mount) => path === mount || path.startsWith(mount.endsWith('/') ? mount : `${mount}/`))) return []
    const seen = mounts.length === 0 ? 'there is none' : `there are ${mounts.join(', ')}`
    const finding = {
      severity: 'warn',
      key,
      message: `${key} ${entry.value} is under no volumeMounts.mountPath (${seen})`,
      hint: 'mount the Secret with the certificates there: volumes and volumeMounts',
      source: entry.source,
    } as const
    return [finding]
  })
}

/** Every `mountPath` of the manifest, wherever it stands: chart and operator each have several places for them. */
function mountPaths(yaml: YamlText, node: unknown, seen: Set<unknown>): readonly string[] {
  const value = yaml.resolve(node)
  // each node once: aliases may repeat them without end
  if (seen.has(value)) return []
  seen.add(value)
  if (isSeq(value)) return value.items.flatMap((item) => mountPaths(yaml, item, seen))
  if (!isMap(value)) return []
  const own = lookUpText(yaml, value, ['mountPath'])
  const below = pairsOf(yaml, value).flatMap((pair) => mountPaths(yaml, pair.value, seen))
  return own === null ? below : [posix.normalize(own), ...below]
}
