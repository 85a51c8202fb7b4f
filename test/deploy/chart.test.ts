/** The chart: rendered by helm, judged by kubeconform with Kubernetes' own schemas, unknown fields refused. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { readConfigText } from '../../src/config/sources/config-file.ts'
import { PAGE_VALUES } from '../support/page-manifests.ts'
import { redkite, temporary } from '../support/server.ts'
import { run } from '../support/tools.ts'
import { chart, helm, kubeconform, kubeconformArgs, kubernetes } from './support.ts'

type Json = { readonly [key: string]: Json } & { readonly length?: number }

async function template(...args: readonly string[]): Promise<string> {
  const result = await run(helm.path, ['template', 'rk', chart, ...kubernetes, ...args])
  assert.equal(result.exitCode, 0, result.stderr)
  return result.stdout
}
async function refusal(...args: readonly string[]): Promise<string> {
  const result = await run(helm.path, ['template', 'rk', chart, ...kubernetes, ...args])
  assert.notEqual(result.exitCode, 0, 'it rendered')
  return result.stderr
}
function objects(text: string, kind: string): readonly Json[] {
  const documents = parseAllDocuments(text)
  return documents.map((document) => document.toJS() as Json).filter((object) => String(object?.['kind']) === kind)
}
/** The value under a path; undefined where there is none. */
function at(object: Json | undefined, ...path: readonly string[]): unknown {
  return path.reduce<Json | undefined>((node, name) => node?.[name], object)
}

const SETS: Readonly<Record<string, readonly string[]>> = {
  'as it is': [],
  'a Secret': ['--set', 'tls.secretName=certs'],
  'cert-manager': [
    '--set',
    'tls.certManager.enabled=true,tls.certManager.issuerRef.name=ca,tls.certManager.dnsNames={a.example}',
  ],
  'everything on': [
    '--set',
    'ingress.enabled=true,metrics.serviceMonitor.enabled=true,tls.secretName=certs,service.type=LoadBalancer,service.nodePort=30530',
    '--set',
    'standalone.resources.limits.memory=4Gi,standalone.extraEnv[0].name=A,standalone.extraEnv[0].value=b,standalone.extraArgs={--set,log.level=debug}',
    '--set',
    'standalone.persistence.persistentVolumeClaim.existingClaim=mine,priorityClassName=high,image.all.pullSecrets={regcred}',
    '--set',
    'standalone.nodeSelector.a=b,tolerations[0].key=x,annotations.a=b,labels.c=d,networkPolicy.from[0].podSelector.matchLabels.a=b',
  ],
  'a proxy': ['--set-string', 'extraConfigFiles.user\\.yaml=redkite: {upstream: {uri: "https://milvus:19530"}}'],
  'without anything': [
    '--set',
    'metrics.enabled=false,networkPolicy.enabled=false,podDisruptionBudget.enabled=false,serviceAccount.create=false,standalone.persistence.enabled=false,startupProbe.enabled=false,livenessProbe.enabled=false,readinessProbe.enabled=false,extraConfigFiles=null,customConfigMap=mine',
  ],
}

describe('the chart', { skip: helm.skip }, () => {
  it('passes helm lint', async () => {
    const result = await run(helm.path, ['lint', '--strict', chart])
    assert.equal(result.exitCode, 0, result.stdout)
  })

  for (const [name, args] of Object.entries(SETS)) {
    it(`renders valid objects: ${name}`, { skip: kubeconform.skip }, async () => {
      const text = await template(...args)
      const result = await run(kubeconform.path, [...kubeconformArgs, '-'], { input: text })
      assert.equal(result.exitCode, 0, result.stdout)
      assert.match(result.stdout, /Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/)
    })
  }

  it('a field that Kubernetes does not know is refused', { skip: kubeconform.skip }, async () => {
    const text = (await template()).replace('readOnlyRootFilesystem:', 'readOnlyRootFileSystem:')
    const result = await run(kubeconform.path, [...kubeconformArgs, '-'], { input: text })
    assert.notEqual(result.exitCode, 0)
    assert.match(result.stdout, /readOnlyRootFileSystem/)
  })

  it('runs as nobody in particular, on a read-only root, without capabilities', async () => {
    const [set] = objects(await template('--set', 'tls.secretName=certs'), 'StatefulSet')
    const pod = at(set, 'spec', 'template', 'spec') as Json
    assert.deepEqual(pod['securityContext'], {
      fsGroup: 10001,
      fsGroupChangePolicy: 'OnRootMismatch',
      runAsGroup: 10001,
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    const container = at(pod, 'containers', '0') as Json
    assert.deepEqual(container['securityContext'], {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
    })
    assert.deepEqual(container['args'], [
      ...['milvus', 'run', 'standalone', '--tls', 'mutual', '--tls-dir', '/milvus/tls'],
    ])
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      assert.equal(at(container, probe, 'httpGet', 'port'), 'metrics')
      assert.equal(at(container, probe, 'httpGet', 'scheme'), 'HTTP')
    }
  })

  it('mounts the Secret whole, with modes that a strict server accepts', async () => {
    const text = await template('--set', 'tls.secretName=certs')
    assert.doesNotMatch(text, /^\s+subPath:/m)
    assert.match(text, /defaultMode: 0440/)
    assert.match(text, /name: REDKITE_TLS_STRICTKEYPERMISSIONS\n\s+value: "true"/)
  })

  it('starts a proxy where an upstream is named, and only that may call out', async () => {
    const named = SETS['a proxy'] ?? []
    assert.match(await template(...named), /- milvus\n\s+- run\n\s+- proxy\n/)
    const policy = async (args: readonly string[]) => objects(await template(...args), 'NetworkPolicy')[0]
    assert.deepEqual(at(await policy(named), 'spec', 'policyTypes'), ['Ingress'])
    assert.deepEqual(at(await policy([]), 'spec', 'policyTypes'), ['Ingress', 'Egress'])
    assert.deepEqual(at(await policy([]), 'spec', 'egress'), [])
  })

  it('publishes the ports of user.yaml', async () => {
    const user = 'proxy: {port: 29530, http: {port: 28080}}\ncommon: {MetricsPort: 29091}'
    using place = temporary()
    const values = join(place.path, 'values.yaml')
    writeFileSync(values, `extraConfigFiles:\n  user.yaml: |\n    ${user.replace('\n', '\n    ')}\n`)
    const text = await template('-f', values)
    const [set] = objects(text, 'StatefulSet')
    const ports = at(set, 'spec', 'template', 'spec', 'containers', '0', 'ports')
    assert.deepEqual(ports, [
      { name: 'milvus', containerPort: 29530 },
      { name: 'rest', containerPort: 28080 },
      { name: 'metrics', containerPort: 29091 },
    ])
    const [service] = objects(text, 'Service')
    assert.equal(at(service, 'spec', 'ports', '1', 'port'), 28080)
  })

  it('takes the values of the Milvus page as they stand', { skip: kubeconform.skip }, async () => {
    using place = temporary()
    const values = join(place.path, 'values.yaml')
    writeFileSync(values, PAGE_VALUES)
    const text = await template('-f', values, '--set', 'ingress.enabled=true')
    const result = await run(kubeconform.path, [...kubeconformArgs, '-'], { input: text })
    assert.equal(result.exitCode, 0, result.stdout)
    assert.match(text, /backend-protocol: GRPCS/)
    // what is in the pod's user.yaml is what --config reads from the values
    const [map] = objects(text, 'ConfigMap')
    const inPod = readConfigText(String(at(map, 'data', 'user.yaml')), 'user.yaml').entries
    const given = readConfigText(PAGE_VALUES, 'values.yaml').entries
    const pairs = (entries: typeof given) => entries.map(({ key, value }) => `${key}=${value}`)
    assert.deepEqual(pairs(inPod), pairs(given))
    // no strict permissions: a Secret without defaultMode is readable by all
    assert.doesNotMatch(text, /STRICTKEYPERMISSIONS/)
  })

  it('takes rendered values', { skip: kubeconform.skip }, async () => {
    const settings = ['tls.serverPemPath=/certs/tls.crt', 'tls.serverKeyPath=/certs/tls.key', 'proxy.port=29530']
    const flags = ['--tls', 'one-way', ...settings.flatMap((setting) => ['--set', setting])]
    const rendered = await redkite(['config', 'render', 'helm', '--image', 'r.example:5000/redkite:9', ...flags])
    using place = temporary()
    const values = join(place.path, 'values.yaml')
    writeFileSync(values, rendered.stdout)
    const text = await template('-f', values)
    assert.match(text, /image: "r\.example:5000\/redkite:9"/)
    assert.match(text, /mountPath: \/certs/)
    const result = await run(kubeconform.path, [...kubeconformArgs, '-'], { input: text })
    assert.equal(result.exitCode, 0, result.stdout)
  })

  it('refuses what it cannot do, in words', async () => {
    assert.match(await refusal('--set', 'cluster.enabled=true'), /cluster\.enabled: Redkite is one process/)
    assert.match(await refusal('--set', 'standalone.replicas=2'), /replicas.*maximum/s)
    assert.match(await refusal('--set', 'tls.certManager.enabled=true'), /name the issuer/)
    assert.match(await refusal('--set', 'tls.mode=off,tls.secretName=x'), /tls\/mode/)
    assert.match(await refusal('--set', 'extraConfigFiles.notes\\.yaml=x'), /notes\.yaml is read by nothing/)
    assert.match(await refusal('--set', 'tls.secretname=x'), /secretname/)
  })
})
