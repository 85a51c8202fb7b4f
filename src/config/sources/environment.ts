import type { Entry, Finding, SourceResult } from '../finding.ts'
import { foldKey, nearest } from '../fold.ts'
import { findKey, type Key, keys, keyTable } from '../schema.ts'

/** Milvus' prefix (from 2.6): such a variable wins over one without. */
const MILVUS_PREFIX = /^milvus_conf_/i
/** Milvus strips this from any name. */
const MILVUS_DOT = /^milvus\./i
/** What Kubernetes puts into every pod for every service: `PROXY_PORT=tcp://10.0.0.7:19530`. */
const SERVICE_LINK = /^(tcp|udp|sctp):\/\//
/** The other variables it puts there: a service called `redkite` must not look like misspelled keys of ours. */
const SERVICE_VARIABLE = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/
/** The variable that names the directory of configuration files. */
const DIRECTORY = 'MILVUSCONF'
/** The variable with which commands log in; no key, and no misspelled one either. */
const PASSWORD = 'REDKITE_PASSWORD'

/** What a source may need from outside to be read. */
export interface EnvironmentInput {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Reads the file of a `*_FILE` variable; throws when it cannot. */
  readFile(path: string): string
}

/** The environment as a source: `plain` counts less than `prefixed`. */
export interface EnvironmentResult {
  readonly plain: readonly Entry[]
  readonly prefixed: readonly Entry[]
  readonly findings: readonly Finding[]
}

/**
 * Takes from the environment every variable whose name is a key of the table by Milvus' rule (`foldKey`). Links that
 * Kubernetes makes are passed by with a warning (milvus#28032). A secret may stand in a file: `<NAME>_FILE`.
 * Unknown names are reported only under the prefixes `MILVUS_CONF_` and `REDKITE_`, which are nobody else's.
 */
export function readEnvironment(input: EnvironmentInput): EnvironmentResult {
  const plain: Entry[] = []
  const prefixed: Entry[] = []
  const findings: Finding[] = []
  for (const [variable, value] of Object.entries(input.variables)) {
    if (value === undefined || variable === DIRECTORY || variable === PASSWORD) continue
    const isPrefixed = MILVUS_PREFIX.test(variable)
    const name = variable.replace(MILVUS_PREFIX, '').replace(MILVUS_DOT, '')
    const source = { kind: 'environment', variable } as const
    const key = findKey(name)?.key ?? null
    const target = isPrefixed ? prefixed : plain
    if (key === null) {
      const secret = secretFileKey(name)
      if (secret !== null) {
        const read = readSecretFile(input, secret, value, variable)
        target.push(...read.entries)
        findings.push(...read.findings)
      } else if (isPrefixed || (/^redkite_/i.test(variable) && !SERVICE_VARIABLE.test(variable))) {
        findings.push(unknownVariable(variable, name))
      }
    } else if (SERVICE_LINK.test(value)) {
      findings.push({
        severity: 'warn',
        key,
        message: `${variable} looks like a Kubernetes service link (${value}) and is not taken as ${key}`,
        hint: `set enableServiceLinks: false on the pod, or set the key as MILVUS_CONF_${key.replaceAll('.', '_').toUpperCase()}`,
        source,
      })
    } else target.push({ key: name, value, source })
  }
  return { plain, prefixed, findings }
}

/** The secret whose file a variable named `<NAME>_FILE` names. */
function secretFileKey(name: string): Key | null {
  if (!/_file$/i.test(name)) return null
  const key = findKey(name.replace(/_file$/i, ''))?.key ?? null
  return key !== null && keyTable[key].type.name === 'secret' ? key : null
}

function readSecretFile(input: EnvironmentInput, key: Key, path: string, variable: string): SourceResult {
  const source = { kind: 'environment', variable } as const
  try {
    return { entries: [{ key, value: input.readFile(path).replace(/\r?\n$/, ''), source }], findings: [] }
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    const finding = {
      severity: 'error',
      key,
      message: `the file that ${variable} names cannot be read: ${reason}`,
      hint: 'make the file readable or unset the variable',
      source,
    } as const
    return { entries: [], findings: [finding] }
  }
}

function unknownVariable(variable: string, name: string): Finding {
  const near = nearest(name, keys)
  return {
    severity: 'warn',
    key: foldKey(name),
    message: `environment variable ${variable} is read by nothing`,
    hint: near === null ? null : `did you mean ${variableName(near)}?`,
    source: { kind: 'environment', variable },
  }
}

/** The environment variable of a key, as the documentation names it: `TLS_SERVERPEMPATH`, `REDKITE_HOST`. */
export function variableName(key: string): string {
  return key.replaceAll('.', '_').toUpperCase()
}
