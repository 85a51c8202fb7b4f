import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import type { Log, LogFields } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { type Refusal, RefusalLog } from './refusal.ts'

function recording(): { log: Log; lines: { message: string; fields: LogFields }[] } {
  const lines: { message: string; fields: LogFields }[] = []
  const keep = (message: string, fields: LogFields = {}) => void lines.push({ message, fields })
  const log: Log = { debug: () => {}, info: keep, warn: keep, error: keep, at: () => log }
  return { log, lines }
}

const base: Refusal = { reason: 'expired', message: 'm', remedy: 'r', peer: '10.0.0.1:1000' }

describe('refusal log', () => {
  it('writes one line a cause, sums the repeats up after a minute, and counts all', async () => {
    mock.timers.enable({ apis: ['Date', 'setInterval'] })
    try {
      const { log, lines } = recording()
      const metrics = createMetrics()
      using refusals = new RefusalLog('proxy', log, metrics)
      for (let port = 1; port <= 5; port += 1) refusals.refused({ ...base, peer: `10.0.0.1:${port}` })
      refusals.refused({ ...base, peer: '10.0.0.2:1' })
      refusals.refused({ ...base, certificate: { subject: 's', issuer: 'i', serial: '1' } })
      assert.equal(lines.length, 3)
      mock.timers.tick(75_000)
      assert.deepEqual(
        lines.slice(3).map((line) => [line.message, line.fields['repeats']]),
        [['connections refused again', 4]],
      )
      refusals.refused(base)
      assert.equal(lines.length, 5, 'a cause that comes back is told again')
      const { values } = await metrics.handshakes.get()
      assert.deepEqual(
        values.map((value) => value.value),
        [8],
      )
    } finally {
      mock.timers.reset()
    }
  })

  it('stays bounded however many peers come', () => {
    const { log, lines } = recording()
    using refusals = new RefusalLog('proxy', log, createMetrics())
    for (let n = 0; n < 5_000; n += 1) refusals.refused({ ...base, peer: `10.${n >> 8}.${n & 255}.1:1` })
    assert.ok(lines.length <= 1_001, `${lines.length} lines`)
  })

  it('clips what a stranger wrote', () => {
    const { log, lines } = recording()
    using refusals = new RefusalLog('proxy', log, createMetrics())
    const long = 'x'.repeat(10_000)
    refusals.refused({ ...base, message: long, certificate: { subject: long, issuer: long, serial: '1' } })
    assert.ok(JSON.stringify(lines).length < 2_500)
  })
})
