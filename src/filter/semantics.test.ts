import assert from 'node:assert/strict'
import { test } from 'node:test'
import { naiveLike, type Row } from './naive.test-support.ts'
import { openRows } from './rows-table.test-support.ts'

const table = openRows()

/** Ids of the rows (numbered from 0) that a filter selects. */
function selected(text: string, rows: readonly Row[]): number[] {
  table.fill(rows.map((row, id) => ({ id: BigInt(id), $meta: {}, ...row })))
  return table.truths(text).flatMap((truth, rid) => (truth === true ? [rid] : []))
}

function expectRows(rows: readonly Row[], cases: readonly (readonly [string, readonly number[]])[]): void {
  for (const [text, expected] of cases) assert.deepEqual(selected(text, rows), expected, text)
}

test('null is UNKNOWN to comparisons and to their negation', () => {
  expectRows(
    [{ small: 1n }, { small: null }, { small: 2n }],
    [
      ['small == 1', [0]],
      ['small != 1', [2]],
      ['not (small == 1)', [2]],
      ['small in []', []],
      ['small not in []', [0, 2]],
      ['small not in [1]', [2]],
      ['small is null', [1]],
      ['not (small is null)', [0, 2]],
      ['small == 1 or true', [0, 1, 2]],
      ['small == 1 or id == 1', [0, 1]],
      ['not (small == 1 and id == 9)', [0, 1, 2]],
    ],
  )
})

test('a missing JSON key, a JSON null and another type are UNKNOWN', () => {
  const rows: Row[] = [
    { doc: { k: 1n } },
    { doc: { k: 1.0 } },
    { doc: { k: '1' } },
    { doc: { k: true } },
    { doc: { k: null } },
    { doc: {} },
    { doc: null },
    { doc: { k: 2.5 } },
    { doc: { k: [1n] } },
  ]
  expectRows(rows, [
    ['doc["k"] == 1', [0, 1]],
    ['doc["k"] == 1.0', [0, 1]],
    ['doc["k"] != 1', [7]],
    ['not (doc["k"] == 1)', [7]],
    ['doc["k"] == "1"', [2]],
    ['doc["k"] != "x"', [2]],
    ['doc["k"] == true', [3]],
    ['doc["k"] != true', []],
    ['doc["k"] > 1', [7]],
    ['doc["k"] in [1, "1"]', [0, 1, 2]],
    ['doc["k"] not in [2, "1"]', [0, 1, 7]],
    ['doc["k"] is null', [4, 5, 6]],
    ['exists doc["k"]', [0, 1, 2, 3, 7, 8]],
    ['not exists doc["k"]', [4, 5, 6]],
    ['doc is null', [6]],
    ['doc["k"][0] == 1', [8]],
    ['array_length(doc["k"]) == 1', [8]],
    ['json_contains(doc["k"], 1)', [8]],
    ['not json_contains(doc["k"], 2)', [8]],
    ['JSON_CONTAINS_ALL(doc["k"], [])', [8]],
    ['array_contains_any(doc["k"], [])', []],
    ['doc["k"] + 1 == 2', [0, 1]],
    ['doc["k"] % 2 == 1', [0]],
    ['0 < doc["k"] < 3', [0, 1, 7]],
  ])
})

test('dynamic keys are the keys of $meta, whatever they hold', () => {
  const odd = { 'q"q': 1n, 'a.b': 2n, 'back\\s': 3n, '[0]': 4n, é: 5n }
  expectRows(
    [{ $meta: { color: 'red', size: 3n } }, { $meta: { color: 'blue' } }, { $meta: odd }],
    [
      ['color == "red"', [0]],
      ['color != "red"', [1]],
      ['$meta["color"] like "b%"', [1]],
      ['size > 2', [0]],
      ['exists size', [0]],
      ['size is null', [1, 2]],
      ['$meta["q\\"q"] == 1 and $meta["a.b"] == 2', [2]],
      ['$meta[\'back\\\\s\'] == 3 and $meta[r"[0]"] == 4 and $meta["\\u00e9"] == 5', [2]],
    ],
  )
})

test('integers keep 64 bits, floats and integers compare by value', () => {
  expectRows(
    [{ large: (1n << 53n) + 1n }, { large: 1n << 53n }, { large: -(1n << 63n) }, { large: (1n << 63n) - 1n }],
    [
      ['large == 9007199254740993', [0]],
      ['large > 9007199254740992', [0, 3]],
      ['large == -9223372036854775808', [2]],
      ['large in [0x7fffffffffffffff, 0b1]', [3]],
      [`large in [9007199254740993${Array.from({ length: 99 }, (_, i) => `,${i}`).join('')}]`, [0]],
    ],
  )
})

test('Float columns compare with the literal as float32', () => {
  expectRows(
    [
      { weight: Math.fround(0.1), price: 0.1 },
      { weight: Math.fround(0.3), price: Math.fround(0.3) },
    ],
    [
      ['weight == 0.1', [0]],
      ['weight in [0.1, 0.3]', [0, 1]],
      ['0.1 <= weight < 0.3', [0]],
      ['price == 0.1', [0]],
      ['price == 0.3', []],
    ],
  )
})

test('strings compare by their bytes, with case', () => {
  expectRows(
    [{ name: 'a' }, { name: 'B' }, { name: '\uffee' }, { name: '😀' }, { name: '' }],
    [
      ['name > "Z"', [0, 2, 3]],
      ['name > "\uffee"', [3]],
      ['name == ""', [4]],
      ['name == "\uffee" or "\uffee" < "😀"', [0, 1, 2, 3, 4]],
    ],
  )
})

test('integer division truncates, modulo has the sign of the dividend', () => {
  expectRows(
    [{ small: -7n }, { small: 7n }, { small: 6n }],
    [
      ['small / 2 == -3', [0]],
      ['small / 2 == 3', [1, 2]],
      ['small % 2 == -1', [0]],
      ['small % 2 == 1', [1]],
      ['small * 2 >= 12', [1, 2]],
      ['2 * small >= 12', [1, 2]],
      ['(small & 3) == 3 and (small ^ 1) == 6', [1]],
      ['small << 1 == 14', [1]],
      ['small >> 1 == -4', [0]],
    ],
  )
})

test('like: % any run, _ one character, \\ escapes, case counts, both ends are anchored', () => {
  const names = ['abc', 'ABC', 'a%c', 'a_c', 'a*c', '[a]c', 'ac', 'é', '😀b', 'a?c', 'a\\c', '', 'x😀']
  for (const pattern of [
    ...['abc', 'a%', '%c', '%b%', '%', '_', '__', '_%', 'a_c', 'a\\%c', 'a\\_c', 'a*%', 'a*c', 'a?%', '[a]%', '[a]_'],
    ...['%[a]%', '%a%c', 'a%%c', '%%', '', '\\', 'a\\\\c', '_b', '%😀%', '%😀', '%b', 'A%', '%]c', '_a_c'],
  ]) {
    const rows = names.map((name) => ({ name }))
    const expected = names.flatMap((name, i) => (naiveLike([...name], [...pattern]) ? [i] : []))
    const text = pattern.replace(/\\/g, '\\\\')
    assert.deepEqual(selected(`name like "${text}"`, rows), expected, pattern)
  }
  const rows = [{ name: '50%' }, { name: '50x' }]
  assert.deepEqual(selected('name like "50\\%"', rows), [0], 'one backslash is enough')
})

test('two columns compare by value', () => {
  expectRows(
    [
      { small: 1n, large: 2n, price: 1, name: 'a', title: 'b' },
      { small: 2n, large: 2n, price: 2.5, name: 'b', title: 'b' },
      { small: 2n, large: null, price: null, name: null, title: 'b' },
    ],
    [
      ['small < large', [0]],
      ['small == price', [0]],
      ['price > large', [1]],
      ['name == title', [1]],
      ['name != title', [0]],
    ],
  )
})

test('arrays: elements, whole arrays, contains and length; a null array and an element beyond the end are UNKNOWN', () => {
  const rows: Row[] = [
    { longs: [1n, 2n], tags: ['a', 'b'] },
    { longs: [(1n << 53n) + 1n], tags: [] },
    { longs: [], tags: ['a%'] },
    { longs: null, tags: null },
  ]
  expectRows(rows, [
    ['longs[0] == 1', [0]],
    ['longs[0] != 1', [1]],
    ['not (longs[0] == 1)', [1]],
    ['longs[1] in [2, 3]', [0]],
    ['longs[0] == 9007199254740993', [1]],
    ['longs == [1, 2]', [0]],
    ['longs != [1, 2]', [1, 2]],
    ['[] == longs', [2]],
    ['tags[0] like "a%"', [0, 2]],
    ['tags == ["a", "b"]', [0]],
    ['array_contains(longs, 2)', [0]],
    ['ARRAY_CONTAINS(longs, 9007199254740993)', [1]],
    ['not array_contains(longs, 2)', [1, 2]],
    ['array_contains(longs, 2.0)', [0]],
    ['array_contains_all(longs, [1, 2])', [0]],
    ['array_contains_all(longs, [])', [0, 1, 2]],
    ['array_contains_any(tags, ["b", "a%"])', [0, 2]],
    ['array_length(longs) == 0', [2]],
    ['array_length(longs) < 2', [1, 2]],
    ['longs is null', [3]],
    ['longs[0] + 1 == 2', [0]],
  ])
})

test('arrays: what Milvus refuses', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['longs < [1]', /can not comparisons array fields directly/],
    ['longs[0] == "x"', /comparisons between Int64 and VarChar are not supported/],
    ['longs == ["x"]', /cannot cast value to Int64/],
    ['longs == 1', /comparisons between Array and Int64 are not supported/],
    ['longs["a"] == 1', /accessed as longs\[0\]/],
    ['array_contains(longs, "x")', /contains operation can't compare between array element type: Int64 and VarChar/],
    ['array_contains_any(longs, 1)', /contains_any operation element must be an array/],
    ['array_contains(id, 1)', /contains operation are only supported on json or array fields now, got: id/],
    ['array_length(name) == 1', /array_length operation are only supported on json or array fields now/],
    ['exists longs', /exists operations are only supportted on json field, got:Array/],
  ]
  for (const [text, expected] of refusals) assert.throws(() => table.truths(text), expected, text)
})
