/** Other people's tools that judge what is in deploy/; `deploy/ci/install-tools.sh` installs them. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tool } from '../support/tools.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const chart = join(root, 'deploy/helm/redkite')

function find(program: string, probe: readonly string[]): Tool {
  const built = join(root, '.cache/deploy/bin', program)
  const path = existsSync(built) ? built : program
  const found = spawnSync(path, probe, { stdio: 'ignore' }).status === 0
  return { path, skip: found ? false : `${program} is not installed (deploy/ci/install-tools.sh)` }
}

export const compose = find('docker-compose', ['version'])
export const helm = find('helm', ['version'])
export const promtool = find('promtool', ['--version'])
export const systemd = find('systemd-analyze', ['--version'])
const schemas = join(root, '.cache/deploy/schemas')
const binary = find('kubeconform', ['-v'])
export const kubeconform: Tool = existsSync(schemas)
  ? binary
  : { ...binary, skip: 'the schemas for kubeconform are not there (deploy/ci/install-tools.sh)' }
/** Fields that no schema knows are refused. */
export const kubeconformArgs = [
  '-strict',
  '-summary',
  '-schema-location',
  `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
]

/** The Kubernetes that the chart is rendered for. */
export const kubernetes = ['--kube-version', '1.33.0']
