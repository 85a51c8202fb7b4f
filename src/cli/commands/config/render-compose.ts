import { isAbsolute } from 'node:path'
import { stringify } from 'yaml'
import { mountedDirectories, type RenderChoices, type Rendered, type Settings } from './settings.ts'

const HEAD = `# The entry needs the capabilities to become the owner of the mounted key; the server keeps none of them. With
# user: "<uid>:0" of somebody who can read the key and write the data, leave cap_add out.
`

/** A compose file and the milvus.yaml that it mounts. */
export function renderCompose(settings: Settings, { image, name }: RenderChoices): readonly Rendered[] {
  const { grpc, rest, metrics } = settings.ports
  const mounts = mountedDirectories(settings).map(
    ({ given, inside }) => `${hostPath(given)}:${inside}${settings.renews ? '' : ':ro'}`,
  )
  const service = {
    image,
    container_name: name,
    command: ['milvus', 'run', settings.role],
    restart: 'on-failure',
    volumes: [...mounts, './milvus.yaml:/milvus/configs/milvus.yaml:ro', './volumes/milvus:/var/lib/milvus'],
    // health and metrics are plaintext: for this machine only
    ports: [
      `${grpc}:${grpc}`,
      ...(rest === null ? [] : [`${rest}:${rest}`]),
      ...(metrics === grpc ? [] : [`127.0.0.1:${metrics}:${metrics}`]),
    ],
    read_only: true,
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    cap_add: ['CHOWN', 'DAC_OVERRIDE', 'SETGID', 'SETUID', 'SETPCAP'],
    security_opt: ['no-new-privileges:true'],
    healthcheck: {
      test: ['CMD', '/entrypoint.sh', 'redkite', 'health'],
      interval: '10s',
      timeout: '6s',
      retries: 3,
      start_period: '30s',
    },
    stop_grace_period: '40s',
  }
  const compose = stringify({ version: '3.7', services: { standalone: service } }, { lineWidth: 0 })
  return [
    { name: 'docker-compose.yml', text: `${HEAD}${compose}` },
    { name: 'milvus.yaml', text: settings.milvusYaml },
  ]
}

function hostPath(directory: string): string {
  return isAbsolute(directory) || directory.startsWith('.') ? directory : `./${directory}`
}
