import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Argument, type Command } from 'commander'
import { loadConfig } from '../../../config/load.ts'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { addConfigOptions, type ConfigOptions, toLoadInput } from '../../config-options.ts'
import type { CliIo } from '../../io.ts'
import { renderCompose } from './render-compose.ts'
import { renderHelm, renderOperator } from './render-kubernetes.ts'
import { renderSystemd } from './render-systemd.ts'
import { type Rendered, settingsOf } from './settings.ts'

const FORMS = { compose: renderCompose, helm: renderHelm, operator: renderOperator, systemd: renderSystemd } as const
type Form = keyof typeof FORMS

const EXAMPLES = `
Examples:
  $ redkite config render compose --config milvus.yaml --out deploy
  $ redkite config render helm --tls mutual --tls-dir tls >values.yaml
  $ redkite config render operator --config milvus.yaml | kubectl apply -f -
  $ redkite config render systemd --tls mutual --tls-dir /etc/redkite/tls --out /etc/redkite

The file with the configuration in it (milvus.yaml, values.yaml, the resource) says what the server here would run with:
--config reads it back. Secrets are left out, and named. Without --out everything goes to stdout.`

interface RenderOptions extends ConfigOptions {
  readonly out?: string
  readonly image: string
  readonly name: string
}

/** Adds `redkite config render`: the configuration in force as files for where servers are run. */
export function addRender(config: Command, io: CliIo): void {
  const command = config
    .command('render')
    .description('write the configuration in force as a compose file, Helm values, an operator resource or a unit')
    .addArgument(new Argument('<form>', 'what to write').choices(Object.keys(FORMS)))
  addConfigOptions(command)
    .option('--out <dir>', 'write files there; default: print them')
    .option('--image <image>', 'container image', 'redkite:0.1.0')
    .option('--name <name>', 'name of the service, release or resource', 'redkite')
    .addHelpText('after', EXAMPLES)
    .action(async (form: Form, { out, image, name, ...options }: RenderOptions) => {
      const { config: loaded, effective } = loadConfig(toLoadInput(options))
      const settings = settingsOf(loaded, effective)
      for (const note of settings.notes) io.stderr(`note: ${note}\n`)
      const rendered = FORMS[form](settings, { image, name })
      if (out === undefined) io.stdout(together(rendered))
      else for (const path of await writeAll(out, rendered)) io.stderr(`wrote ${path}\n`)
    })
}

/** On one stream, each file after a line with its name; a single one as it is. */
function together(files: readonly Rendered[]): string {
  const [only, another] = files
  if (only !== undefined && another === undefined) return only.text
  return files.map(({ name, text }) => `# ---- ${name}\n${text}`).join('\n')
}

async function writeAll(directory: string, files: readonly Rendered[]): Promise<readonly string[]> {
  try {
    await mkdir(directory, { recursive: true })
    const paths = files.map(({ name }) => join(directory, name))
    for (const [index, { text }] of files.entries()) {
      // never over a file that is there: it may have been edited
      await writeFile(paths[index] ?? '', text, { flag: 'wx' })
    }
    return paths
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    const hint = code === 'EEXIST' ? 'remove it, or choose another directory' : 'choose a directory that can be written'
    const path = thrown instanceof Error && 'path' in thrown ? String(thrown.path) : directory
    throw new StartError(EXIT.cannotCreate, `cannot write ${path}: ${code}`, hint, { cause: thrown })
  }
}
