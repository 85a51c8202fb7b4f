/**
 * Makes JSON schemas for kubeconform out of what the Go module proxy serves, because the usual place of ready-made ones
 * is not always reachable: Kubernetes' own OpenAPI description and the resource definitions of Prometheus' operator and
 * cert-manager. Unknown fields are refused in them, as by `kubectl apply --validate=strict`.
 * Call: node deploy/ci/kubernetes-schemas.ts MODCACHE_DIR_OF_KUBERNETES OUT CRD.yaml...
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The kinds that the chart renders, by definition name. */
const KINDS: Readonly<Record<string, string>> = {
  'configmap-v1': 'io.k8s.api.core.v1.ConfigMap',
  'ingress-networking-v1': 'io.k8s.api.networking.v1.Ingress',
  'networkpolicy-networking-v1': 'io.k8s.api.networking.v1.NetworkPolicy',
  'pod-v1': 'io.k8s.api.core.v1.Pod',
  'poddisruptionbudget-policy-v1': 'io.k8s.api.policy.v1.PodDisruptionBudget',
  'secret-v1': 'io.k8s.api.core.v1.Secret',
  'service-v1': 'io.k8s.api.core.v1.Service',
  'serviceaccount-v1': 'io.k8s.api.core.v1.ServiceAccount',
  'statefulset-apps-v1': 'io.k8s.api.apps.v1.StatefulSet',
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Schema = { readonly [key: string]: Json }

const [kubernetes = '', out = '', ...definitionFiles] = process.argv.slice(2)
mkdirSync(out, { recursive: true })

const swagger: { definitions: Record<string, Schema> } = JSON.parse(
  readFileSync(join(kubernetes, 'api/openapi-spec/swagger.json'), 'utf8'),
)
for (const [file, definition] of Object.entries(KINDS)) {
  const schema = swagger.definitions[definition]
  if (schema === undefined) throw new Error(`${definition} is not in swagger.json`)
  write(file, schema)
}
for (const file of definitionFiles) {
  const { spec }: { spec: { group: string; names: { kind: string }; versions: { name: string; schema: { openAPIV3Schema: Schema } }[] } } = parse(
    readFileSync(file, 'utf8'),
  )
  for (const { name, schema } of spec.versions) {
    write(`${spec.names.kind.toLowerCase()}-${spec.group.split('.')[0]}-${name}`, schema.openAPIV3Schema)
  }
}

function write(name: string, schema: Schema): void {
  const whole = strict(schema, [])
  const required = ['apiVersion', 'kind', 'metadata']
  writeFileSync(join(out, `${name}.json`), JSON.stringify(isSchema(whole) ? { ...whole, required } : whole))
}

/** Follows references and closes every object with named fields; a reference back into itself allows anything. */
function strict(schema: Json, above: readonly string[]): Json {
  if (Array.isArray(schema)) return schema.map((item: Json) => strict(item, above))
  if (!isSchema(schema)) return schema
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const name = reference.replace('#/definitions/', '')
    if (name.endsWith('.resource.Quantity')) return { type: ['string', 'number'] }
    if (above.includes(name)) return {}
    return strict(swagger.definitions[name] ?? {}, [...above, name])
  }
  if (schema['format'] === 'int-or-string' || schema['x-kubernetes-int-or-string'] === true) {
    return { type: ['integer', 'string'] }
  }
  const { properties } = schema
  const own = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'properties' ? value : strict(value, above)]),
  )
  if (!isSchema(properties)) return own
  const isOpen = 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'] === true
  // the definitions of metadata in resource definitions say only that it is an object
  const fields = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, strict(value, above)]))
  return { ...own, properties: fields, ...(isOpen ? {} : { additionalProperties: false }) }
}

function isSchema(value: Json | undefined): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
