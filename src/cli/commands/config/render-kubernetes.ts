import { Document, isScalar, stringify } from 'yaml'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { mountedDirectories, type RenderChoices, type Rendered, type Settings } from './settings.ts'

/** Values of the chart in deploy/helm/redkite, under names that Milvus' chart has too. */
export function renderHelm(settings: Settings, { image }: RenderChoices): readonly Rendered[] {
  const document = new Document({
    cluster: { enabled: false },
    image: { all: imageParts(image) },
    extraConfigFiles: { 'user.yaml': settings.milvusYaml },
    service: { port: settings.ports.grpc },
    ...volumesOf(settings),
  })
  const text = document.getIn(['extraConfigFiles', 'user.yaml'], true)
  if (isScalar(text)) text.type = 'BLOCK_LITERAL'
  return [{ name: 'values.yaml', text: `${secretNote(settings)}${document.toString({ lineWidth: 0 })}` }]
}

/** A resource of the Milvus operator with our image. */
export function renderOperator(settings: Settings, { image, name }: RenderChoices): readonly Rendered[] {
  const { rest } = settings.ports
  if (settings.role === 'proxy') {
    const hint = 'render helm, whose chart starts a proxy where redkite.upstream.uri is set'
    throw new StartError(EXIT.usage, 'the operator starts standalone servers, and redkite.upstream.uri is set', hint)
  }
  const resource = {
    apiVersion: 'milvus.io/v1beta1',
    kind: 'Milvus',
    metadata: { name, labels: { app: 'redkite' } },
    spec: {
      mode: 'standalone',
      config: settings.values,
      components: {
        image,
        ...volumesOf(settings),
        ...(rest === null ? {} : { standalone: { serviceRestfulPort: rest } }),
      },
      dependencies: { msgStreamType: 'rocksmq' },
    },
  }
  return [{ name: `${name}.yaml`, text: `${secretNote(settings)}${stringify(resource, { lineWidth: 0 })}` }]
}

/** `host:5000/redkite:1.0` by repository and tag. */
function imageParts(image: string): { readonly repository: string; readonly tag: string } {
  const at = image.lastIndexOf(':')
  return at > image.lastIndexOf('/')
    ? { repository: image.slice(0, at), tag: image.slice(at + 1) }
    : { repository: image, tag: '' }
}

/** The Secret of the nth directory of certificates. */
function secretName(index: number): string {
  return index === 0 ? 'certs' : `certs-${index + 1}`
}

/** Each directory as a Secret, mounted whole: kubelet renews what is in it, which it does not under a subPath. */
function volumesOf(settings: Settings): { readonly volumes?: unknown; readonly volumeMounts?: unknown } {
  const directories = mountedDirectories(settings)
  if (directories.length === 0) return {}
  return {
    volumes: directories.map((_, index) => ({
      name: secretName(index),
      // 0440: root's, and the group's by fsGroup or as group 0
      secret: { secretName: secretName(index), defaultMode: 0o440 },
    })),
    volumeMounts: directories.map(({ inside }, index) => ({
      name: secretName(index),
      mountPath: inside,
      readOnly: true,
    })),
  }
}

function secretNote(settings: Settings): string {
  return mountedDirectories(settings)
    .map(({ given }, index) => {
      const inHere = settings.files.filter(
        ({ path, isDirectory }) => (isDirectory ? path : directoryOf(path)) === given,
      )
      const paths = inHere.map(({ path }) => path)
      const files = [...new Set(paths)].map((path) => `--from-file=${path}`)
      return `# kubectl create secret generic ${secretName(index)} ${files.join(' ')}\n`
    })
    .join('')
}

function directoryOf(path: string): string {
  const at = path.replaceAll('\\', '/').lastIndexOf('/')
  return at < 0 ? '.' : path.slice(0, at).replaceAll('\\', '/') || '/'
}
