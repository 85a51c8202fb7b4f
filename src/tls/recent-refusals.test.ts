import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecentRefusals } from './recent-refusals.ts'
import type { Refusal } from './refusal.ts'

const refusal = (peer: string): Refusal => ({ reason: 'malformed', message: '', remedy: '', peer })

describe('recent refusals', () => {
  it('keeps the last 50 causes, the newest first', () => {
    const recent = new RecentRefusals()
    for (let number = 0; number < 60; number += 1) recent.add(`cause ${number}`, refusal(`192.0.2.1:${number}`))
    const peers = recent.list().map(({ peer }) => peer)
    assert.equal(peers.length, 50)
    assert.deepEqual([peers[0], peers[49]], ['192.0.2.1:59', '192.0.2.1:10'])
  })

  it('counts the same cause instead of letting it push out the others', () => {
    const recent = new RecentRefusals()
    recent.add('other', refusal('192.0.2.2:1'))
    recent.add('scan', refusal('192.0.2.1:0'))
    recent.add('other', refusal('192.0.2.2:2'))
    for (let number = 1; number < 1_000; number += 1) recent.add('scan', refusal(`192.0.2.1:${number}`))
    assert.deepEqual(
      recent.list().map(({ peer, times }) => [peer, times]),
      [
        ['192.0.2.1:999', 1_000],
        ['192.0.2.2:2', 2],
      ],
    )
  })
})
