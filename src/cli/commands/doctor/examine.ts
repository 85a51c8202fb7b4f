import { existsSync } from 'node:fs'
import { CATALOG_FORMAT, lookAtFormat } from '../../../catalog/format.ts'
import type { Config } from '../../../config/config.ts'
import { findingText } from '../../../config/finding.ts'
import { type LoadResult, variablesOf } from '../../../config/load.ts'
import { type Check, fail, ok, skip, warn } from '../../../probe/check.ts'
import { checkClientBeside } from '../../../probe/doctor/client-pair.ts'
import { checkDataDirectory, ownerPid } from '../../../probe/doctor/data.ts'
import { checkExposure } from '../../../probe/doctor/exposure.ts'
import { checkLinkFiles } from '../../../probe/doctor/link.ts'
import { checkPortMaterial } from '../../../probe/doctor/material.ts'
import { checkClock, checkMounts } from '../../../probe/doctor/mounts.ts'
import { checkPorts } from '../../../probe/doctor/ports.ts'
import { hasPostQuantum } from '../../../probe/doctor/post-quantum.ts'
import { checkRuntime, RUNTIME_VARIABLES } from '../../../probe/doctor/runtime.ts'
import {
  exposureOf,
  externalSettings,
  internalSettings,
  linkFiles,
  materialFiles,
  portNames,
  wantedPorts,
} from './subject.ts'

/** What reading the configuration found, as checks. Notes are left out: nothing is wrong and nothing is to be done. */
export function configurationChecks({ findings, config, form }: LoadResult): readonly Check[] {
  const what = 'configuration'
  const checks = findings
    .filter(({ severity }) => severity !== 'info')
    .map((finding) => {
      const make = finding.severity === 'error' ? fail : warn
      return make(what, findingText(finding), finding.hint ?? 'see redkite config check', 'configuration')
    })
  const files = config?.files ?? []
  const read = files.length === 0 ? 'no file: defaults, environment and flags' : files.join(', ')
  return checks.length > 0 ? checks : [ok(what, form === null ? read : `${read} (${form})`)]
}

/** What this process runs on. */
export function runtimeChecks(): readonly Check[] {
  return checkRuntime({
    node: process.versions.node,
    openssl: process.versions.openssl,
    execArgv: process.execArgv,
    variables: variablesOf(RUNTIME_VARIABLES),
    postQuantum: hasPostQuantum(),
  })
}

/** Everything that can be seen from inside about a configuration that reads well. */
export async function examine(result: LoadResult, config: Config, now: Date): Promise<readonly Check[]> {
  const { mode } = config.tls
  // --auto-tls makes its files at the first start
  const isUnmade = config.autoTls && mode.kind !== 'plain' && !existsSync(mode.serverPem)
  const external = isUnmade ? null : externalSettings(config)
  const internal = internalSettings(config)
  const link = linkFiles(config)
  const files = materialFiles([external, internal], link)
  const owner = await ownerPid(config.dataDir)
  const isStrict = config.tls.strictKeyPermissions
  const names = portNames(result, config)
  return [
    ...(await checkClock(files, now)),
    ...(isUnmade ? [skip('tls', `--auto-tls makes ${mode.serverPem} at the first start`)] : []),
    ...(external === null ? [] : await checkPortMaterial(external, names, now)),
    ...(external?.files.kind === 'mutual' && external.source?.kind !== 'pkcs12'
      ? await checkClientBeside(external.files.caPem, now)
      : []),
    ...(internal === null ? [] : await checkPortMaterial(internal, { advertised: [], bound: [] }, now)),
    ...(link === null ? [] : await checkLinkFiles(link, isStrict, now)),
    ...(await checkMounts(files)),
    ...checkExposure(exposureOf(config)),
    ...(await checkPorts(wantedPorts(config), owner)),
    ...(await checkDataDirectory(config.dataDir, owner)),
    ...formatChecks(config.dataDir),
  ]
}

/** Whether this version can read what is stored. */
function formatChecks(directory: string): readonly Check[] {
  const what = 'data format'
  const seen = lookAtFormat(directory)
  switch (seen.kind) {
    case 'none':
      return []
    case 'damaged': {
      const fix = 'restore catalog.db from a backup; the rows of the collections lie in files of their own'
      return [fail(what, `the catalog cannot be read: ${seen.why}`, fix, 'dataDirectory')]
    }
    case 'format': {
      if (seen.format <= CATALOG_FORMAT) return [ok(what, `format ${seen.format}, which this version reads`)]
      const detail = `format ${seen.format} is newer than this version's ${CATALOG_FORMAT}`
      return [
        fail(
          what,
          detail,
          'start the newer Redkite on this data, or name another directory with --data',
          'dataDirectory',
        ),
      ]
    }
  }
}
