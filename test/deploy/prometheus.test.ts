/** Metrics and alerts, judged by promtool. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { stringify } from 'yaml'
import { createMetrics } from '../../src/observe/metrics.ts'
import { startRedkite, temporary } from '../support/server.ts'
import { run } from '../support/tools.ts'
import { promtool, root } from './support.ts'

const RULES = join(root, 'deploy/prometheus/redkite.rules.yml')

describe('for Prometheus', () => {
  it('the metrics of a running server are clean', { skip: promtool.skip }, async () => {
    await using served = await startRedkite({ args: ['--auto-tls'] })
    const text = await (await fetch(`${served.ready.metrics}/metrics`)).text()
    assert.match(text, /redkite_tls_certificate_not_after_seconds\{.*\} \d/)
    const result = await run(promtool.path, ['check', 'metrics'], { input: text })
    assert.deepEqual(ours(result.stderr + result.stdout), [])
  })

  it('a name against the habits is seen', { skip: promtool.skip }, async () => {
    const input = '# TYPE redkite_things counter\nredkite_things 1\n'
    const result = await run(promtool.path, ['check', 'metrics'], { input })
    assert.notEqual(result.exitCode, 0)
    assert.equal(ours(result.stderr + result.stdout).length, 2)
  })

  it('the alert rules are valid', { skip: promtool.skip }, async () => {
    const result = await run(promtool.path, ['check', 'rules', RULES])
    assert.equal(result.exitCode, 0, result.stderr)
    using place = temporary()
    const broken = join(place.path, 'rules.yml')
    writeFileSync(broken, readFileSync(RULES, 'utf8').replace('sum by (', 'sum bi ('))
    assert.notEqual((await run(promtool.path, ['check', 'rules', broken])).exitCode, 0)
  })

  it('the alerts fire on what they are for, and only then', { skip: promtool.skip }, async () => {
    using place = temporary()
    const file = join(place.path, 'cases.yml')
    writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: FIRING }))
    const result = await run(promtool.path, ['test', 'rules', file])
    assert.equal(result.exitCode, 0, result.stdout + result.stderr)
    writeFileSync(
      file,
      stringify({ rule_files: [RULES], tests: [{ ...FIRING[0], alert_rule_test: FIRING[1].alert_rule_test }] }),
    )
    assert.notEqual((await run(promtool.path, ['test', 'rules', file])).exitCode, 0)
  })

  it('the alert rules ask for metrics that there are', () => {
    const known = createMetrics()
      .registry.getMetricsAsArray()
      .map(({ name }) => name)
    const asked = [...readFileSync(RULES, 'utf8').matchAll(/\bredkite_[a-z_]+/g)].map(([name]) => name)
    assert.ok(asked.length > 5)
    assert.deepEqual(
      [...new Set(asked)].filter((name) => !known.includes(name)),
      [],
    )
  })
})

const NOT_AFTER = 'redkite_tls_certificate_not_after_seconds{path="a.pem",role="serverPem",instance="i"}'
/** promtool's clock begins at 0: a certificate until 600 has expired after ten minutes. */
const FIRING = [
  {
    interval: '1m',
    input_series: [{ series: NOT_AFTER, values: '600x40' }],
    alert_rule_test: [
      { eval_time: '9m', alertname: 'RedkiteCertificateExpired', exp_alerts: [] },
      {
        eval_time: '11m',
        alertname: 'RedkiteCertificateExpired',
        exp_alerts: [
          {
            exp_labels: { severity: 'critical', path: 'a.pem', role: 'serverPem', instance: 'i' },
            exp_annotations: {
              summary: 'a.pem (serverPem) on i has expired',
              description: 'Clients refuse it. Run redkite certs renew; the server takes the new file up by itself.',
            },
          },
        ],
      },
    ],
  },
  {
    interval: '1m',
    input_series: [{ series: 'redkite_upstream_up{instance="i"}', values: '1x5 0x10' }],
    alert_rule_test: [
      { eval_time: '5m', alertname: 'RedkiteUpstreamDown', exp_alerts: [] },
      {
        eval_time: '8m',
        alertname: 'RedkiteUpstreamDown',
        exp_alerts: [
          {
            exp_labels: { severity: 'critical', instance: 'i' },
            exp_annotations: {
              summary: 'i has no link to the Milvus behind it',
              description: 'redkite verify --internal names the fault of the link.',
            },
          },
        ],
      },
    ],
  },
] as const

/** Its complaints, without those about names that are Milvus' own or Node's and must stay. */
function ours(output: string): readonly string[] {
  return output.split('\n').filter((line) => line.startsWith('redkite_'))
}
