/**
 * Every metric, once. Names under `milvus_` are Milvus' own with its labels, so that its Grafana board fills;
 * ours start with `redkite_`.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const LATENCY_MS_BUCKETS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192]

interface Reading<L extends string> {
  readonly labels: Partial<Record<L, string>>
  readonly value: number
}

/** A gauge whose values are asked for when somebody scrapes. */
export interface ScrapedGauge<L extends string> {
  readFrom(source: () => Iterable<Reading<L>>): void
}

export function createMetrics() {
  const registry = new Registry()
  const makers = makersIn(registry)
  const { counter, gauge, scraped, histogram } = makers
  return {
    registry,
    /** Adds the process metrics (CPU, RSS, event loop delay, GC); called once by the server. */
    startProcessMetrics: () => collectDefaultMetrics({ register: registry }),
    requests: counter('milvus_proxy_req_count', 'requests by RPC and outcome', ['function_name', 'status', 'protocol']),
    requestLatency: histogram('milvus_proxy_req_latency', 'milliseconds from last byte in to first byte out', [
      'function_name',
    ]),
    receivedBytes: counter('milvus_proxy_receive_bytes_count', 'request message bytes', ['function_name']),
    sentBytes: counter('milvus_proxy_send_bytes_count', 'response message bytes', ['function_name']),
    insertedVectors: counter('milvus_proxy_insert_vectors_count', 'rows inserted or upserted', []),
    searchedVectors: counter('milvus_proxy_search_vectors_count', 'query vectors searched', []),
    connections: gauge('redkite_connections', 'open connections', ['listener', 'protocol']),
    ...tlsMetrics(makers),
    upstreamUp: scraped('redkite_upstream_up', 'whether a link to the upstream is up, 1 or 0', []),
    upstreamConnections: scraped('redkite_upstream_connections', 'links to the upstream that are up', []),
    upstreamCalls: counter('redkite_upstream_calls_total', 'calls passed on, by how they ended', ['result']),
    linkNotAfter: gauge('redkite_upstream_certificate_not_after_seconds', 'expiry of the link’s files, unix seconds', [
      'role',
      'path',
      'subject',
    ]),
    bytesInFlight: scraped('redkite_request_bytes_in_flight', 'request body bytes being received or served', []),
    authFailures: counter('redkite_auth_failures_total', 'refused logins by reason', ['reason']),
    auditLines: counter('redkite_audit_lines_total', 'lines of the audit log by outcome', ['result']),
    rows: scraped('redkite_rows', 'live rows, sealed into segments or growing', ['db', 'collection', 'state']),
    commits: counter('redkite_commits_total', 'durable transactions', []),
    commitLatency: histogram(
      'redkite_commit_fsync_seconds',
      'seconds a transaction took, fsync included',
      [],
      LATENCY_MS_BUCKETS.map((milliseconds) => milliseconds / 1000),
    ),
    segments: scraped('redkite_segments', 'sealed segments', ['db', 'collection', 'field']),
    seals: counter('redkite_segment_builds_total', 'segment builds by outcome', ['result']),
    searchPlans: counter('redkite_search_plans_total', 'how searches were answered', ['plan']),
  }
}

/** Handshakes, key material and revocation. */
function tlsMetrics({ counter, gauge, scraped }: ReturnType<typeof makersIn>) {
  return {
    handshakes: counter('redkite_tls_handshakes_total', 'TLS handshakes by outcome', [
      'listener',
      'result',
      'reason',
      'protocol',
    ]),
    groups: counter('redkite_tls_groups_total', 'admitted handshakes by key-exchange group', ['listener', 'group']),
    expiringClients: counter(
      'redkite_tls_expiring_clients_total',
      'admitted clients whose certificate was in the last third of its life',
      ['listener'],
    ),
    handshakesPending: gauge('redkite_tls_handshakes_pending', 'handshakes in progress', ['listener']),
    serverAuthClients: counter(
      'redkite_tls_server_auth_clients_total',
      'clients admitted by redkite.tls.acceptServerAuthClients with a certificate for serverAuth only',
      ['listener'],
    ),
    reloads: counter('redkite_tls_reloads_total', 'attempts to load new TLS material', ['result']),
    generation: gauge('redkite_tls_generation', 'number of the TLS material in use', ['section']),
    rolledBack: gauge('redkite_tls_rolled_back', '1 while an earlier TLS material is held by a rollback', ['section']),
    notAfter: gauge('redkite_tls_certificate_not_after_seconds', 'expiry of own certificates, unix seconds', [
      'role',
      'path',
      'subject',
      'element',
    ]),
    renewals: counter('redkite_tls_renewals_total', 'automatic renewals of the server certificate by outcome', [
      'section',
      'result',
    ]),
    renewalDue: gauge('redkite_tls_renewal_due_seconds', 'when the next automatic renewal is due, unix seconds', [
      'section',
    ]),
    denyEntries: scraped('redkite_tls_deny_entries', 'entries of the deny list in use', []),
    crlNextUpdate: scraped('redkite_tls_crl_next_update_seconds', 'when a revocation list expires, unix seconds', [
      'issuer',
    ]),
    crlEntries: scraped('redkite_tls_crl_entries', 'certificates that a revocation list names', ['issuer']),
    revocationUnknown: counter(
      'redkite_tls_revocation_unknown_total',
      'client certificates admitted (crlMode soft) without a current revocation list of their issuer',
      ['issuer'],
    ),
  }
}

/** What makes a metric of each kind in a registry. */
function makersIn(registry: Registry) {
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge<L>({ name, help, labelNames, registers })
  const scraped = <L extends string>(name: string, help: string, labelNames: readonly L[]): ScrapedGauge<L> => {
    let source: () => Iterable<Reading<L>> = () => []
    new Gauge<L>({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const { labels, value } of source()) this.set(labels, value)
      },
    })
    return {
      readFrom(next) {
        source = next
      },
    }
  }
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[] = LATENCY_MS_BUCKETS,
  ) => new Histogram<L>({ name, help, labelNames, registers, buckets })
  return { counter, gauge, scraped, histogram }
}

export type Metrics = ReturnType<typeof createMetrics>
