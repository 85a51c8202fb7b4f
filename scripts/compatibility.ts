/**
 * The compatibility tables of the README: every RPC of Milvus' service and every REST endpoint, and whether this server
 * answers it. What is served is read from the ops, the RPCs from the descriptors, so the tables cannot promise more
 * than the code does. `node scripts/compatibility.ts` prints them.
 */
import { MilvusService } from '../src/gen/milvus_pb.js'
import { declaredPrivileges } from '../src/gen/privileges.js'
import { opByRpc, restRoutes } from '../src/ops/registry.ts'
import { isServed } from '../src/ops/rest/not-served.ts'

const V2 = '/v2/vectordb/'

/** Milvus' REST v2 actions by category (httpserver/handler_v2.go, 2.6 and 3.0), `jobs` left out with its many kinds. */
const endpoints: Readonly<Record<string, string>> = {
  databases: 'create drop list describe alter alter_properties drop_properties',
  collections:
    'list has create describe get_stats get_load_state drop truncate load release refresh_load flush rename ' +
    'alter_properties drop_properties compact get_compaction_state fields/add fields/drop fields/alter_properties ' +
    'struct_fields/add add_function alter_function drop_function',
  entities: 'insert upsert delete query get search hybrid_search advanced_search',
  partitions: 'list has create drop get_stats load release',
  indexes: 'list describe create drop alter_properties drop_properties',
  aliases: 'list describe create alter drop',
  users: 'list describe create update_password drop grant_role revoke_role',
  roles: 'list describe create alter drop grant_privilege revoke_privilege grant_privilege_v2 revoke_privilege_v2',
  privilege_groups: 'create drop list add_privileges_to_group remove_privileges_from_group',
  'jobs/import': 'create list describe get_progress commit abort',
  resource_groups: 'create drop alter describe list transfer_replica',
  file_resources: 'add remove list',
  segments: 'describe',
  quotacenter: 'describe',
  common: 'run_analyzer',
}

const SERVED = 'served'
const NOT_YET = 'not yet'

/** Both tables as Markdown, with a line of counts above each. */
export function renderCompatibility(): string {
  return [rpcTable(), restTable()].join('\n\n')
}

function rpcTable(): string {
  const rows = MilvusService.methods.map((method) => {
    const op = opByRpc(method.name)
    const declared = declaredPrivileges[method.input.name]?.privilege.replace(/^Privilege/, '') ?? 'login'
    return { served: op !== null, cells: [method.name, op ? SERVED : NOT_YET, declared] }
  })
  return [
    `RPCs of \`${MilvusService.typeName}\`: ${count(rows)} served.`,
    '',
    ...table(['RPC', 'state', 'privilege'], rows),
  ].join('\n')
}

function restTable(): string {
  const known = Object.entries(endpoints).flatMap(([category, actions]) =>
    actions.split(' ').map((action) => `POST ${V2}${category}/${action}`),
  )
  const served = new Set(restRoutes.filter(isServed).map((route) => `${route.method} ${route.path}`))
  const all = [...new Set([...known, ...served])]
  const rows = all.map((endpoint) => ({
    served: served.has(endpoint),
    cells: [`\`${endpoint}\``, served.has(endpoint) ? SERVED : NOT_YET],
  }))
  return [`REST endpoints: ${count(rows)} served.`, '', ...table(['endpoint', 'state'], rows)].join('\n')
}

interface Row {
  readonly served: boolean
  readonly cells: readonly string[]
}

function count(rows: readonly Row[]): string {
  return `${rows.filter((row) => row.served).length} of ${rows.length}`
}

function table(head: readonly string[], rows: readonly Row[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map((row) => line(row.cells))]
}

if (import.meta.main) process.stdout.write(`${renderCompatibility()}\n`)
