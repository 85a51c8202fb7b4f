import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RedkiteError } from '../errors/error.ts'
import type { TemplateValue } from '../model/calls.ts'
import { testSchema } from './arbitrary.test-support.ts'
import type { FilterSchema } from './checked.ts'
import { compileFilter, isAlwaysTrue, primaryKeysOf, toSql } from './filter.ts'
import { testOptions } from './rows-table.test-support.ts'

const closed: FilterSchema = { fields: testSchema.fields, dynamic: null }

function compile(text: string, templates: Readonly<Record<string, TemplateValue>> = {}, schema = testSchema) {
  return compileFilter(text, schema, templates, testOptions)
}

/** Milvus' causes, with the position before them. */
const causes: readonly (readonly [string, string])[] = [
  ['nothing > 1', 'line 1:0: field nothing not exist'],
  ['small > 1 and\n  nothing["k"] > 1', 'line 2:2: field nothing not exist'],
  ['null == small', 'line 1:0: NULL literal is not supported in expressions; use "is null" or "is not null"'],
  ['small == 1.5', 'line 1:0: cannot cast value to Int32, value: float_val:1.5'],
  ['small == "x"', 'line 1:0: comparisons between Int32 and VarChar are not supported'],
  ['name == 3', 'line 1:0: comparisons between VarChar and Int64 are not supported'],
  ['flag == 1', 'line 1:0: comparisons between Bool and Int64 are not supported'],
  ['flag < true', 'line 1:0: invalid range operations on boolean expr'],
  ['vec == 1', 'line 1:0: comparisons between FloatVector and Int64 are not supported'],
  ['vec is null', 'line 1:0: IsNull/IsNotNull operations are not supported on vector field vec'],
  ['doc["a"] == small', 'line 1:0: two column comparison with JSON type is not supported'],
  ['small + 1 == large', 'line 1:0: only comparison between two fields is supported'],
  ['small[0] == 1', 'line 1:0: Int32 data type not supported accessed with []'],
  ['doc[""] == 1', 'line 1:0: invalid identifier: doc[""]'],
  ['"a" == 1', 'line 1:0: comparison operations cannot be applied to two incompatible operands: "a" == 1'],
  ['1 < name < 3', 'line 1:0: invalid range operations'],
  ['5 < small < 3', 'line 1:0: invalid range: lowerbound is greater than upperbound'],
  ['3 < small < 3', 'line 1:0: invalid range: lowerbound is greater than upperbound'],
  ['large < small < 3', 'line 1:0: lowerbound cannot be a non-const expression: large'],
  ['small in [1, "a"]', `line 1:9: value 'string_val:"a"' in list cannot be casted to Int32`],
  ['small in [1, large]', 'line 1:13: array element type must be generic value, but got: large'],
  ['small in 1', "line 1:9: the right-hand side of 'in' must be a list, but got: 1"],
  ['1 in [1]', "line 1:0: 'term' can only be used on non-const expression, but got: 1"],
  ['small + 1 in [1]', "line 1:0: 'term' can only be used on single field, but got: small + 1"],
  ['not small', 'line 1:0: not op can only be applied on boolean expression'],
  ['small == 1 and name', "line 1:15: 'and' can only be used between boolean expressions"],
  ['small == 1 or 5', "line 1:14: 'or' can only be used between boolean expressions"],
  ['2 - small == 1', 'line 1:0: module field is not yet supported'],
  ['(small + 1) * 2 == 4', 'line 1:1: complicated arithmetic operations are not supported'],
  ['small + large == 4', 'line 1:0: not supported to do arithmetic operations between multiple fields'],
  ['small / 0 == 1', 'line 1:0: division or modulus by zero'],
  ['1 / 0 == small', 'line 1:0: division or modulus by zero'],
  ['price % 2 == 1', 'line 1:0: modulo can only apply on integer types'],
  ['small << 64 == 1', 'line 1:0: shift by 64 is out of the range 0 to 63'],
  ['small ** 2 == 4', 'line 1:0: power can only apply on constants: small ** 2'],
  ['small == 9223372036854775807 + 1', 'line 1:9: constant expression overflows Int64'],
  ['small == 9223372036854775808', 'line 1:9: integer 9223372036854775808 is out of the range of Int64'],
  ['small like "x"', 'line 1:0: like operation on non-string or no-json field is unsupported'],
  ['name like title', 'line 1:10: the pattern of like must be a string: title'],
  ['exists small', 'line 1:0: exists operations are only supportted on json field, got:Int32'],
  ['exists doc', 'line 1:0: exists operations are only supportted on json key'],
  [
    'json_contains(small, 1)',
    'line 1:14: contains operation are only supported on json or array fields now, got: small',
  ],
  ['json_contains_all(doc["a"], 1)', 'line 1:28: contains_all operation element must be an array'],
  ['text_match(name, "x")', 'line 1:0: function text_match is not served yet'],
  ['small > 1 and st_within(name, "x")', 'line 1:14: function st_within is not served yet'],
  ['random_sample(0.1)', 'line 1:0: function random_sample is not served yet'],
  ['small == {x}', 'line 1:9: the value of expression template variable name {x} is not found'],
  ['small ==', 'line 1:8: unexpected end of expression'],
]

test('refusals have code 1100, the filter, the position and the cause', () => {
  for (const [text, cause] of causes) {
    const message = `failed to create query plan: cannot parse expression: ${text}: ${cause}: invalid parameter`
    assert.throws(
      () => compile(text, {}, closed),
      (error) => {
        assert.ok(error instanceof RedkiteError, text)
        assert.equal(error.message, message)
        assert.equal(error.row.code, 1100)
        return true
      },
    )
  }
})

test('what is no predicate is named with its type; a delete says delete', () => {
  for (const [text, type] of [
    ['small + 1', 'Int64'],
    ['flag', 'Bool'],
    ['"x"', 'VarChar'],
    ['1.5', 'Double'],
    ['[1]', 'Array'],
  ]) {
    const message = `failed to create delete plan: predicate is not a boolean expression: ${text}, data type: ${type}: invalid parameter`
    assert.throws(() => compileFilter(text ?? '', testSchema, {}, { ...testOptions, plan: 'delete' }), { message })
  }
})

test('a huge filter is refused without repeating it', () => {
  const text = `name == "${'x'.repeat(1 << 21)}"`
  assert.throws(
    () => compile(text),
    (error) => {
      assert.ok(error instanceof RedkiteError)
      assert.ok(error.message.length < 2048)
      assert.match(error.message, /is longer than 1048576 bytes/)
      return true
    },
  )
})

test('too many constants for one statement are refused, a long or of one column is a list', () => {
  const one = compile(Array.from({ length: 50_000 }, (_, i) => `small==${i}`).join(' or '))
  assert.ok(one)
  assert.equal(toSql(one).params.length, 1)
  const two = Array.from({ length: 20_000 }, (_, i) => `small>${i} and large>${i}`).join(' or ')
  assert.throws(() => compile(two), /more than 32000 constants/)
})

test('unknown names are dynamic keys where the dynamic field is enabled', () => {
  const expr = compile('color == "red" and nested["a"][0] > 1 and $meta["color"] != "blue"')
  assert.ok(expr)
  const { sql, params } = toSql(expr)
  assert.match(sql, /json_type\(meta, \?\)/)
  assert.ok(params.includes('$."color"') && params.includes('$."nested"."a"[0]'))
})

test('templates stand where literals stand', () => {
  const templates = { n: 3n, x: 2.5, s: 'a', b: true, list: [1n, 2n], names: ['a', 'b'] }
  const pairs = [
    ['small == {n}', 'small == 3'],
    ['{n} < small', '3 < small'],
    ['price > {x}', 'price > 2.5'],
    ['name == {s} and flag == {b}', 'name == "a" and flag == true'],
    ['small in {list} or name not in {names}', 'small in [1, 2] or name not in ["a", "b"]'],
    ['small in [{n}, 4]', 'small in [3, 4]'],
    ['small + {n} == 4', 'small + 3 == 4'],
    ['1 < small < {n}', '1 < small < 3'],
    ['json_contains_any(doc["a"], {list})', 'json_contains_any(doc["a"], [1, 2])'],
    ['name like {s}', 'name like "a"'],
  ]
  for (const [template, plain] of pairs) {
    const [left, right] = [compile(template ?? '', templates), compile(plain ?? '')]
    assert.ok(left && right)
    assert.deepEqual(toSql(left), toSql(right), template)
  }
  assert.throws(() => compile('small == {s}', templates), /comparisons between Int32 and VarChar/)
})

test('primary keys are found in pk in [...] and pk == x alone', () => {
  const keys = (text: string) => {
    const expr = compile(text)
    return expr ? primaryKeysOf(expr) : null
  }
  const long = (...values: bigint[]) => ({ kind: 'long', values: BigInt64Array.from(values) })
  assert.deepEqual(keys('id in [3, 1, 3]'), long(3n, 1n, 3n))
  assert.deepEqual(keys('id == -9223372036854775808'), long(-9223372036854775808n))
  assert.deepEqual(keys('5 == id'), long(5n))
  assert.deepEqual(keys('id == 1 or id in [2]'), long(1n, 2n))
  assert.deepEqual(keys('id in []'), long())
  for (const text of ['id not in [1]', 'id > 1', 'small in [1]', 'id == 1 and small == 1', 'id == 1 or small == 1']) {
    assert.equal(keys(text), null, text)
  }
})

test('string primary keys', () => {
  const fields = testSchema.fields.map((field) => ({ ...field, isPrimary: field.name === 'name' }))
  const expr = compile('name in ["b", "a"]', {}, { fields, dynamic: null })
  assert.ok(expr)
  assert.deepEqual(primaryKeysOf(expr), { kind: 'string', values: ['b', 'a'] })
  assert.equal(toSql(expr).sql, '(pk IN (?,?))')
})

test('no filter, and filters that are always true', () => {
  assert.equal(compile(''), null)
  assert.equal(compile(' \n'), null)
  for (const text of ['', 'true', '1 == 1', 'not false', 'true or small == 1', '1 + 1 == 2 and TRUE']) {
    assert.equal(isAlwaysTrue(compile(text)), true, text)
  }
  for (const text of ['false', 'small == 1', 'true and small == 1', 'small == small']) {
    assert.equal(isAlwaysTrue(compile(text)), false, text)
  }
})

test('the same text on the same schema is compiled once, with templates or another schema again', () => {
  assert.equal(compile('small == 1'), compile('small == 1'))
  assert.notEqual(compile('small == {n}', { n: 1n }), compile('small == {n}', { n: 2n }))
  assert.notEqual(compile('small == 1'), compile('small == 1', {}, closed))
  assert.throws(() => compile('color == 1', {}, closed), /field color not exist/)
})

test('what was not used for long is forgotten', () => {
  const first = compile('small == 1000')
  for (let i = 0; i < 255; i++) compile(`small == ${i + 2000}`)
  assert.equal(compile('small == 1000'), first)
  for (let i = 0; i < 255; i++) compile(`small == ${i + 3000}`)
  assert.equal(compile('small == 1000'), first)
  for (let i = 0; i < 256; i++) compile(`small == ${i + 4000}`)
  assert.notEqual(compile('small == 1000'), first)
})
