import type { ParsedNode } from 'yaml'
import type { SourceResult } from '../finding.ts'
import { unmountedPaths } from './mounts.ts'
import { entriesOf, lookUp, lookUpText, type YamlText } from './yaml.ts'

/** Whether this document is a Kubernetes object of the Milvus operator (`kind: Milvus`, group milvus.io). */
export function isMilvusResource(yaml: YamlText, root: ParsedNode): boolean {
  const group = lookUpText(yaml, root, ['apiVersion'])?.split('/')[0]
  return group === 'milvus.io' && lookUpText(yaml, root, ['kind']) === 'Milvus'
}

/** Whether this document is some Kubernetes object. */
export function isKubernetesObject(yaml: YamlText, root: ParsedNode): boolean {
  return lookUpText(yaml, root, ['apiVersion']) !== null && lookUpText(yaml, root, ['kind']) !== null
}

/**
 * Reads the configuration of the Milvus operator's resource: `spec.config`, which the operator merges over the
 * image's `milvus.yaml` as `user.yaml`. The rest of it (images, volumes, dependencies) is for Kubernetes.
 */
export function readCustomResource(yaml: YamlText, root: ParsedNode): SourceResult {
  const config = lookUp(yaml, root, ['spec', 'config'])
  if (config !== undefined && config !== null) {
    const entries = entriesOf(yaml, config)
    return { entries, findings: unmountedPaths(yaml, root, entries) }
  }
  const finding = {
    severity: 'warn',
    key: 'spec.config',
    message: 'the resource has no spec.config, so it configures nothing',
    hint: 'put the content of milvus.yaml under spec.config',
    source: yaml.sourceOf(root),
  } as const
  return { entries: [], findings: [finding] }
}
