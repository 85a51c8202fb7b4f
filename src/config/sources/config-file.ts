import { isMap, type ParsedNode } from 'yaml'
import type { Finding, SourceResult } from '../finding.ts'
import { isKubernetesObject, isMilvusResource, readCustomResource } from './custom-resource.ts'
import { isHelmValues, readHelmValues } from './helm-values.ts'
import { entriesOf, inFile, lookUpText, parseYaml, type YamlText } from './yaml.ts'

/** The kinds of file that `--config` takes as they stand. */
export type FileForm = 'milvus.yaml' | 'Helm values' | 'operator resource'

/** What a configuration file says, and what kind of file it is. */
export interface ConfigFile extends SourceResult {
  readonly form: FileForm
}

/**
 * Reads the text of a configuration file of any form. Among several documents the operator's resource counts, other
 * Kubernetes objects (a Secret, a Namespace) are passed by.
 */
export function readConfigText(text: string, file: string): ConfigFile {
  const yaml = parseYaml(text, inFile(file))
  if (yaml.findings.length > 0) return { form: 'milvus.yaml', entries: [], findings: yaml.findings }
  const { roots } = yaml
  const resources = roots.filter((root) => isMilvusResource(yaml, root))
  const [resource, second] = resources
  if (resource !== undefined) {
    const read = readCustomResource(yaml, resource)
    return { form: 'operator resource', entries: read.entries, findings: [...read.findings, ...tooMany(yaml, second)] }
  }
  const foreign = roots.find((root) => isKubernetesObject(yaml, root))
  if (foreign !== undefined) return { form: 'operator resource', entries: [], findings: [foreignObject(yaml, foreign)] }
  const [root] = roots
  if (root === undefined) return { form: 'milvus.yaml', entries: [], findings: [] }
  if (isHelmValues(yaml, root)) return { form: 'Helm values', ...readHelmValues(yaml, root) }
  return {
    form: 'milvus.yaml',
    entries: roots.flatMap((each) => entriesOf(yaml, each)),
    findings: notAMapping(yaml, root),
  }
}

function tooMany(yaml: YamlText, second: ParsedNode | undefined): readonly Finding[] {
  if (second === undefined) return []
  const finding = {
    severity: 'error',
    key: null,
    message: 'a second Milvus resource in the same file',
    hint: 'keep one resource in the file',
    source: yaml.sourceOf(second),
  } as const
  return [finding]
}

function foreignObject(yaml: YamlText, root: ParsedNode): Finding {
  const kind = lookUpText(yaml, root, ['kind']) ?? ''
  const apiVersion = lookUpText(yaml, root, ['apiVersion']) ?? ''
  return {
    severity: 'error',
    key: 'kind',
    message: `kind ${kind} of ${apiVersion} is no configuration`,
    hint: 'give a milvus.yaml, the values of the Milvus chart, or a resource of kind Milvus, apiVersion milvus.io/v1beta1',
    source: yaml.sourceOf(root),
  }
}

function notAMapping(yaml: YamlText, root: ParsedNode): readonly Finding[] {
  if (isMap(root)) return []
  const finding = {
    severity: 'error',
    key: null,
    message: 'not a configuration: a mapping of keys to values is needed',
    hint: null,
    source: yaml.sourceOf(root),
  } as const
  return [finding]
}
