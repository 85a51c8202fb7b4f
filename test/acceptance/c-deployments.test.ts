/** Rows C1 to C3: the page's three ways to deploy, by the manifests as they stand on it. */
import assert from 'node:assert/strict'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { secureFetch } from '../clients/secure-fetch.ts'
import {
  PAGE_COMPOSE,
  PAGE_MILVUS_YAML,
  PAGE_RESOURCE,
  PAGE_RESOURCE_INTERNAL,
  PAGE_VALUES,
} from '../support/page-manifests.ts'
import { main, redkite, startRedkite, temporary } from '../support/server.ts'
import { createSet } from '../support/sets.ts'
import { run } from '../support/tools.ts'

/** Serves by a manifest whose mount is `tls` here, and lists collections over TLS on the REST port of its own. */
async function answers(manifest: string, mount: string): Promise<void> {
  using here = temporary()
  const set = await createSet(join(here.path, 'tls'))
  const file = join(here.path, 'manifest.yaml')
  writeFileSync(file, manifest.replaceAll(mount, join(here.path, 'tls')))
  await using served = await startRedkite({ args: ['--config', file, '--http-port', '0'] })
  assert.match(served.ready.rest, /^https:/)
  assert.notEqual(served.restPort, served.port)
  const fetch = secureFetch({ kind: 'oneWay', set })
  const answer = await fetch(`https://localhost:${served.restPort}/v2/vectordb/collections/list`, {
    method: 'POST',
    body: '{}',
  })
  assert.deepEqual(await answer.json(), { code: 0, data: [] })
}

async function accepted(manifest: string, form: string): Promise<void> {
  using here = temporary()
  writeFileSync(join(here.path, 'manifest.yaml'), manifest)
  const check = await redkite(['config', 'check', 'manifest.yaml'], { cwd: here.path })
  assert.deepEqual([check.exitCode, check.stdout], [0, `manifest.yaml: ${form}: 0 errors, 0 warnings\n`])
}

describe('C deployments', () => {
  it("C1 compose: the page's command, working directory and mounts", async () => {
    const { standalone } = (
      parse(PAGE_COMPOSE) as { services: Record<string, { command: string[]; volumes: string[] }> }
    ).services
    assert.ok(standalone)
    await accepted(PAGE_MILVUS_YAML, 'milvus.yaml')
    // the image's working directory, with what the block mounts; `milvus` is a name of the program
    using here = temporary()
    symlinkSync(main, join(here.path, 'milvus'))
    const help = await run(process.execPath, [join(here.path, 'milvus'), ...standalone.command.slice(1), '--help'])
    assert.match(help.stdout, /^Usage: milvus run/)
    await answers(PAGE_MILVUS_YAML, '/milvus/tls')
  })

  it('C2 operator: the resource is read as it stands, with external and with internal TLS, and served', async () => {
    await accepted(PAGE_RESOURCE, 'operator resource')
    await accepted(PAGE_RESOURCE_INTERNAL, 'operator resource')
    await answers(PAGE_RESOURCE, '/certs')
  })

  it('C2 operator: a resource is rendered that says the same', async () => {
    using here = temporary()
    writeFileSync(join(here.path, 'page.yaml'), PAGE_RESOURCE)
    const rendered = await redkite(['config', 'render', 'operator', '--config', 'page.yaml', '--out', 'out'], {
      cwd: here.path,
    })
    assert.equal(rendered.exitCode, 0, rendered.stderr)
    const [page, ours] = [PAGE_RESOURCE, readFileSync(join(here.path, 'out/redkite.yaml'), 'utf8')].map((text) =>
      parse(text),
    )
    assert.deepEqual(ours.spec.config, page.spec.config)
    assert.equal(ours.kind, 'Milvus')
    assert.equal(ours.spec.components.volumes[0].secret.secretName, 'certs')
    assert.equal(ours.spec.components.volumeMounts[0].mountPath, '/certs')
  })

  it('C3 Helm: the values are read as they stand, and served', async () => {
    await accepted(PAGE_VALUES, 'Helm values')
    await answers(PAGE_VALUES, '/certs')
  })
})
