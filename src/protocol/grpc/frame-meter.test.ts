import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RedkiteError } from '../../errors/error.ts'
import { FrameMeter } from './frame-meter.ts'
import { framed } from './reply.ts'

const kind = (expected: string) => (error: unknown) => error instanceof RedkiteError && error.kind === expected

test('messages are counted whatever the chunks', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 6 })
  fc.assert(
    fc.property(messages, fc.array(fc.nat(60)), (sent, cuts) => {
      const wire = Buffer.concat(sent.map((bytes) => framed(bytes)))
      const meter = new FrameMeter(30, 'k')
      const edges = [0, ...cuts.map((cut) => Math.min(cut, wire.length)).sort((a, b) => a - b), wire.length]
      for (const [at, edge] of edges.entries()) meter.push(wire.subarray(edges[at - 1] ?? 0, edge))
      assert.equal(meter.messages, sent.length)
      assert.ok(meter.isAtEnd)
    }),
  )
})

test('a message or a head that is not complete is not the end', () => {
  const meter = new FrameMeter(10, 'k')
  for (const byte of framed(Buffer.from('abc'))) {
    meter.push(Buffer.of(byte))
    assert.equal(meter.isAtEnd, byte === 'c'.charCodeAt(0))
  }
})

test('the limit acts on the length, in one chunk and byte by byte', () => {
  const head = Buffer.of(0, 0, 0, 1, 1)
  assert.throws(() => new FrameMeter(256, 'the.key').push(head), kind('messageTooLarge'))
  const meter = new FrameMeter(256, 'the.key')
  assert.throws(() => {
    for (const byte of head) meter.push(Buffer.of(byte))
  }, /257 vs\. 256.*raise the\.key/)
  new FrameMeter(257, 'k').push(head)
  assert.throws(() => new FrameMeter(9, 'k').push(Buffer.of(2, 0, 0, 0, 1)), kind('malformedMessage'))
  assert.throws(() => new FrameMeter(9, 'k').push(Buffer.of(2)), kind('malformedMessage'))
})
