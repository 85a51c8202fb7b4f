import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RedkiteError } from '../../errors/error.ts'
import { FrameReader } from './frame-reader.ts'
import { framed } from './reply.ts'
import { encodeStatusMessage } from './status.ts'
import { parseTimeout } from './timeout.ts'

const kind = (expected: string) => (error: unknown) => error instanceof RedkiteError && error.kind === expected

test('any messages in any chunks come out as they went in', () => {
  const messages = fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.boolean()), { maxLength: 6 })
  fc.assert(
    fc.property(messages, fc.array(fc.nat(60)), (sent, cuts) => {
      const wire = Buffer.concat(sent.map(([bytes, compressed]) => framed(bytes, compressed)))
      const reader = new FrameReader(40)
      const got: [number[], boolean][] = []
      const edges = [0, ...cuts.map((cut) => Math.min(cut, wire.length)).sort((a, b) => a - b), wire.length]
      for (const [at, edge] of edges.entries()) {
        reader.push(wire.subarray(edges[at - 1] ?? 0, edge))
        for (let frame = reader.next(); frame; frame = reader.next()) got.push([[...frame.bytes], frame.compressed])
      }
      assert.deepEqual(
        got,
        sent.map(([bytes, compressed]) => [[...bytes], compressed]),
      )
      assert.ok(reader.empty)
    }),
  )
})

test('a message in one chunk is a view of it', () => {
  const chunk = framed(Buffer.from('abc'))
  const reader = new FrameReader(10)
  reader.push(chunk)
  assert.equal(reader.next()?.bytes.buffer, chunk.buffer)
})

test('the limit acts on the length prefix', () => {
  assert.throws(() => new FrameReader(3).push(Buffer.of(0, 0, 0, 0, 4)), kind('messageTooLarge'))
  new FrameReader(4).push(Buffer.of(0, 0, 0, 0, 4))
  assert.throws(() => new FrameReader(3).push(Buffer.of(2, 0, 0, 0, 0)), kind('malformedMessage'))
})

test('status texts are percent-encoded and bounded', () => {
  assert.equal(encodeStatusMessage('plain ~ text'), 'plain ~ text')
  assert.equal(encodeStatusMessage('50%\nü'), '50%25%0A%C3%BC')
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      (text) => decodeURIComponent(encodeStatusMessage(text)) === text.toWellFormed(),
    ),
  )
  assert.ok(encodeStatusMessage('y'.repeat(1e6)).length < 3000)
})

test('grpc-timeout in every unit', () => {
  const cases = { '1H': 3_600_000, '2M': 120_000, '3S': 3000, '4m': 4, '5u': 0.005, '6n': 0.000006 }
  for (const [header, ms] of Object.entries(cases)) assert.equal(parseTimeout(header), ms)
  assert.equal(parseTimeout(undefined), null)
  assert.equal(parseTimeout('99999999H'), null)
  for (const bad of ['', '1', 'm', '-1m', '1.5S', '123456789m', '1 m'])
    assert.throws(() => parseTimeout(bad), kind('malformedMessage'))
})
