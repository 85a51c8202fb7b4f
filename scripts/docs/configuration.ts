import type { KeyRow, KeyRows } from '../../src/config/schema/row.ts'
import { type Key, keys, keyTable, sections } from '../../src/config/schema.ts'
import { variableName } from '../../src/config/sources/environment.ts'

const INTRODUCTION = `# Configuration

<!-- Written by scripts/generate-docs.ts from src/config/schema.ts; do not edit. -->

Redkite reads Milvus' configuration as it stands: the same files, keys, environment variables and precedence. Its own
keys are under \`redkite:\`, where Milvus ignores them.

## Where values come from

Later sources win, key by key:

1. the defaults below;
2. \`milvus.yaml\`, \`_test.yaml\`, \`default.yaml\`, \`user.yaml\` in \`$MILVUSCONF\`, or in \`./configs\` (missing files are passed
   by); or the one file that \`--config FILE\` names: a \`milvus.yaml\`, the values file of the Milvus Helm chart
   (\`extraConfigFiles\`), or a resource of the Milvus operator (\`kind: Milvus\`, \`spec.config\`), each as it stands;
3. the environment: every variable whose name is a key when letters' case and \`/\`, \`_\`, \`.\` are ignored
   (\`TLS_SERVERPEMPATH\` is \`tls.serverPemPath\`). One with the prefix \`MILVUS_CONF_\` wins over one without. For a secret,
   \`<NAME>_FILE\` may name a file that holds it. Variables that Kubernetes makes for services
   (\`PROXY_PORT=tcp://10.0.0.7:19530\`) are not taken, and a warning says so;
4. \`--set key=value\`, then the flags of \`redkite run\`.

\`redkite config show\` prints every value in force with its source, \`redkite config check FILE\` explains a file.

Differences from Milvus, all on the safe side:

- A value that does not parse is an error that names key, value, place and remedy (Milvus reads a bad number as 0 and a
  bad bool as false, so that \`tlsMode: two\` means plaintext there).
- A key that nothing reads is reported with a suggestion; under \`common.security\`, under \`redkite\` and on the command
  line it is an error.
- \`common.security.tlsMode\` must be 0, 1 or 2 whatever \`proxy.http.enabled\` says.
- Certificates have no default paths: the key pair in Milvus' images is public.
- With TLS on, REST may share the gRPC port (\`proxy.http.port\` empty), where Milvus refuses to start.
- Without a configuration file, plaintext is served on loopback only; \`redkite.host\` opens it.

Durations are Go's (\`5s\`, \`1m30s\`, \`300ms\`). Relative paths count from the working directory. An empty value means the
default, except for texts and paths (and for \`tlsMode\`, where it is an error).
`

/** `docs/reference/configuration.md`: every key of the table. */
export function renderConfiguration(): string {
  const parts = sections.map(({ title, rows }) => `## ${title}\n\n${keyRows(rows)}`)
  return `${INTRODUCTION}\n${parts.join('\n')}\n## Accepted without effect\n\n${withoutEffect()}`
}

function keyRows(rows: KeyRows): string {
  const lines = Object.entries(rows)
    .filter(([, row]) => row.effect !== 'none')
    .map(([key, row]) => {
      const { name } = row.type
      const also = (row.fallback ?? []).map((other) => ` Also \`${other}\`.`).join('')
      return `| \`${key}\`<br>\`${variableName(key)}\` | ${name} | ${shownDefault(row)} | ${row.doc}${also} |`
    })
  return `| Key, environment variable | Type | Default | Meaning |\n|---|---|---|---|\n${lines.join('\n')}\n`
}

function shownDefault(row: KeyRow): string {
  return row.default === '' ? 'empty' : `\`${row.default}\``
}

function withoutEffect(): string {
  const ignored = keys
    .filter((key) => keyTable[key].effect === 'none')
    .map((key) => `- \`${key}\`: ${keyTable[key].doc}`)
  return `These keys are known and have no effect here; so are the sections of Milvus' other parts (\`etcd\`, \`minio\`, \`pulsar\`,
\`kafka\`, \`queryNode\`, \`dataCoord\` …). One line at the start lists those that a file sets.

${ignored.join('\n')}\n`
}

/** `docs/reference/milvus.yaml`: every key with its default and its sentence, as a file Redkite and Milvus both read. */
export function renderSampleYaml(): string {
  const used = keys.filter((key) => keyTable[key].effect !== 'none')
  const milvus = used.filter((key) => !key.startsWith('redkite.'))
  const own = used.filter((key) => key.startsWith('redkite.'))
  return `# Every key of Redkite with its default. Written by scripts/generate-docs.ts from src/config/schema.ts; do not edit.
# Copy what you change into configs/milvus.yaml, or name this file with --config.

${yamlTree([...milvus].sort(bySection))}
${yamlTree(own)}`
}

/** Keys of one section together, in the order in which the sections first appear. */
function bySection(left: Key, right: Key): number {
  const first = (key: Key) => keys.findIndex((other) => other.split('.')[0] === key.split('.')[0])
  return first(left) - first(right)
}

interface Branch {
  readonly children: Map<string, Branch>
  row: KeyRow | null
}

function yamlTree(list: readonly Key[]): string {
  const root: Branch = { children: new Map(), row: null }
  for (const key of list) {
    let node = root
    for (const part of key.split('.')) {
      const child = node.children.get(part) ?? { children: new Map(), row: null }
      node.children.set(part, child)
      node = child
    }
    node.row = keyTable[key]
  }
  return yamlLines(root, '').join('\n').replace(/^\n/, '').concat('\n')
}

function yamlLines(branch: Branch, indent: string): string[] {
  return [...branch.children].flatMap(([name, child]) => {
    const gap = indent === '' ? [''] : []
    if (child.row === null) return [...gap, `${indent}${name}:`, ...yamlLines(child, `${indent}  `)]
    const value = child.row.default === '' ? '' : ` ${child.row.default}`
    return [...gap, `${indent}# ${child.row.doc}`, `${indent}${name}:${value}`]
  })
}
