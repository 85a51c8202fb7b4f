import type { SourceResult } from '../finding.ts'
import { entriesOf, type Locate, parseYaml } from './yaml.ts'

/** The file names that Milvus reads in its configuration directory; a later one wins, key by key. */
export const MILVUS_FILES = ['milvus.yaml', '_test.yaml', 'default.yaml', 'user.yaml'] as const

/** Reads one `milvus.yaml` (or a part of one: every key is optional). */
export function readMilvusYaml(text: string, locate: Locate): SourceResult {
  const yaml = parseYaml(text, locate)
  return { entries: yaml.roots.flatMap((root) => entriesOf(yaml, root)), findings: yaml.findings }
}
