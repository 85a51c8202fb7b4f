import { isMap, isScalar, type ParsedNode, type Scalar } from 'yaml'
import type { Entry, Finding, Source, SourceResult } from '../finding.ts'
import { MILVUS_FILES, readMilvusYaml } from './milvus-yaml.ts'
import { unmountedPaths } from './mounts.ts'
import { entriesOf, type Locate, lookUp, lookUpText, pairsOf, type YamlText } from './yaml.ts'

/** Top-level names that only the chart's values have. */
const VALUES_ONLY = ['extraConfigFiles', 'customConfigMap', 'image', 'volumeMounts', 'volumes', 'service', 'standalone']

/** Whether this document is a values file of the Milvus chart. */
export function isHelmValues(yaml: YamlText, root: ParsedNode): boolean {
  return pairsOf(yaml, root).some(({ name }) => VALUES_ONLY.includes(name))
}

/**
 * Reads the configuration that the Milvus chart makes of its values: `log.level` and `log.format`, then the texts of
 * `extraConfigFiles` in the order in which Milvus reads files. Positions point into the values file.
 */
export function readHelmValues(yaml: YamlText, root: ParsedNode): SourceResult {
  const files = pairsOf(yaml, lookUp(yaml, root, ['extraConfigFiles']))
  const read = MILVUS_FILES.flatMap((fileName) =>
    files.filter(({ name }) => name === fileName).map(({ value }) => readFileValue(yaml, value)),
  )
  const unread = files
    .filter(({ name }) => !MILVUS_FILES.some((known) => known === name))
    .map(
      ({ key, name }): Finding => ({
        severity: 'warn',
        key: `extraConfigFiles.${name}`,
        message: `extraConfigFiles.${name} is read by nothing`,
        hint: 'Milvus reads user.yaml: move its content there',
        source: yaml.sourceOf(key),
      }),
    )
  const entries = [...chartEntries(yaml, root), ...read.flatMap((part) => part.entries)]
  const inTexts = read.flatMap((part) => part.findings)
  return {
    entries,
    findings: [...unread, ...chartFindings(yaml, root), ...inTexts, ...unmountedPaths(yaml, root, entries)],
  }
}

function chartEntries(yaml: YamlText, root: ParsedNode): readonly Entry[] {
  return entriesOf(yaml, lookUp(yaml, root, ['log']))
    .filter(({ key }) => key === 'level' || key === 'format')
    .map((entry) => ({ ...entry, key: `log.${entry.key}` }))
}

/** Values that read as if they configured encryption and do not (milvus-helm: `proxy.tls` only makes a Secret). */
function chartFindings(yaml: YamlText, root: ParsedNode): readonly Finding[] {
  if (lookUpText(yaml, root, ['proxy', 'tls', 'enabled']) !== 'true') return []
  const node = lookUp(yaml, root, ['proxy', 'tls'])
  const finding = {
    severity: 'warn',
    key: 'proxy.tls.enabled',
    message: 'proxy.tls.enabled of the chart only makes a Secret: it does not turn TLS on',
    hint: 'set common.security.tlsMode and tls.* in extraConfigFiles.user.yaml',
    source: isMap(node) ? yaml.sourceOf(node) : yaml.sourceOf(root),
  } as const
  return [finding]
}

function readFileValue(yaml: YamlText, value: unknown): SourceResult {
  if (isScalar(value)) return readMilvusYaml(String(value.value ?? ''), insideScalar(yaml, value))
  return { entries: entriesOf(yaml, value), findings: [] }
}

/**
 * Positions inside a block scalar: its first line follows the line of its `|`, and every line lost the indentation
 * of the first one that is not blank.
 */
function insideScalar(yaml: YamlText, scalar: Scalar): Locate {
  const start = yaml.sourceOf(scalar)
  if (start.kind !== 'file' || scalar.type?.startsWith('BLOCK') !== true) return () => start
  const lines = yaml.text.split('\n').slice(start.line)
  const indent = lines.find((line) => line.trim() !== '')?.search(/\S/) ?? 0
  return (line, column): Source => ({ ...start, line: start.line + line, column: column + indent })
}
