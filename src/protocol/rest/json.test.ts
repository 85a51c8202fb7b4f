import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RedkiteError } from '../../errors/error.ts'
import { parseExact } from './big-integers.ts'
import { parseBody, stringifyReply } from './json.ts'

const parse = (text: string) => parseBody(Buffer.from(text))

test('integers beyond 2^53 are exact, everything else is as JSON.parse gives it', () => {
  assert.deepEqual(parse('{"a":9007199254740993,"b":[-9223372036854775808,1,2.5],"c":9007199254740991}'), {
    a: 9007199254740993n,
    b: [-9223372036854775808n, 1, 2.5],
    c: 9007199254740991,
  })
  assert.deepEqual(parse('{"a":12345678901234567.5,"b":1234567890123456789e2,"c":0.12345678901234567890}'), {
    a: Number('12345678901234567.5'),
    b: Number('1234567890123456789e2'),
    c: 0.12345678901234568,
  })
  assert.deepEqual(parse('{"s":", 9007199254740993,","t":"\\\\\\",9007199254740993]","u": 9007199254740993 }'), {
    s: ', 9007199254740993,',
    t: '\\",9007199254740993]',
    u: 9007199254740993n,
  })
})

test('a key named __proto__ stays a key', () => {
  const body = parse('{"__proto__":{"x":9007199254740993}}')
  assert.equal(Object.getPrototypeOf(body), Object.prototype)
  assert.deepEqual(Object.keys(body), ['__proto__'])
})

/** The slow way: a reviver that sees each number's own text. */
function reference(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value,
  )
}

test('agrees with a reviver on any JSON', () => {
  const leaf = fc.oneof(
    fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String),
    fc.json(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
    fc.string().map((s) => JSON.stringify(`${s},9007199254740993]`)),
  )
  fc.assert(
    fc.property(fc.array(leaf), fc.constantFrom(',', ' , ', ',\n'), (leaves, comma) => {
      const text = `{"a":[${leaves.join(comma)}],"b":{"c":${leaves[0] ?? 'null'}}}`
      assert.deepEqual(parseExact(text), reference(text))
    }),
    { numRuns: 500 },
  )
})

test('what is no JSON object in UTF-8 is refused', () => {
  for (const bytes of [
    Buffer.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
    Buffer.from('{"a":09007199254740993}'),
    Buffer.from('{"a'),
  ])
    assert.throws(
      () => parseBody(bytes),
      (error) => error instanceof RedkiteError && error.kind === 'restNotJson',
    )
})

test('a reply keeps int64 and typed arrays', () => {
  const reply = {
    code: 0,
    data: {
      id: 2n ** 63n - 1n,
      mixed: [1, 2n],
      vector: Float32Array.of(0.5, 2),
      ids: BigInt64Array.of(-5n),
      none: null,
    },
  }
  assert.equal(
    stringifyReply(reply, true),
    '{"code":0,"data":{"id":9223372036854775807,"mixed":[1,2],"vector":[0.5,2],"ids":[-5],"none":null}}',
  )
  assert.equal(
    stringifyReply(reply, false),
    '{"code":0,"data":{"id":"9223372036854775807","mixed":[1,"2"],"vector":[0.5,2],"ids":["-5"],"none":null}}',
  )
})

test('what is no JSON is told without being quoted', () => {
  for (const text of ['hunter2-hunter2', '{"password": hunter2-hunter2}', 'x'.repeat(50)]) {
    assert.throws(
      () => parse(text),
      /^RedkiteError: can only accept json format request, error: Unexpected token '.' in JSON$/,
    )
  }
})
