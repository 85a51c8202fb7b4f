import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FilterNode } from './ast.ts'
import { FilterFailure } from './failure.ts'
import { parseFilter } from './parser.ts'

const limits = { bytesMax: 1 << 24, depthMax: 100 }

/** The tree with every operator in parentheses. */
function shape(node: FilterNode): string {
  switch (node.kind) {
    case 'literal':
      return typeof node.value === 'string' ? JSON.stringify(node.value) : String(node.value)
    case 'name':
      return node.name + node.path.map((step) => `[${JSON.stringify(step)}]`).join('')
    case 'list':
      return `[${node.items.map(shape).join(' ')}]`
    case 'constants':
      return `[${node.values.map((value) => (typeof value === 'string' ? JSON.stringify(value) : value)).join(' ')}]`
    case 'template':
      return `{${node.name}}`
    case 'unary':
      return `(${node.op} ${shape(node.operand)})`
    case 'exists':
      return `(exists ${shape(node.operand)})`
    case 'isNull':
      return `(${shape(node.operand)} is ${node.negated ? 'not ' : ''}null)`
    case 'range':
      return `(${shape(node.left)} ${node.leftOp} ${shape(node.middle)} ${node.rightOp} ${shape(node.right)})`
    case 'in':
      return `(${shape(node.left)} ${node.negated ? 'not ' : ''}in ${shape(node.right)})`
    case 'like':
      return `(${shape(node.left)} like ${shape(node.right)})`
    case 'logical':
      return `(${node.terms.map(shape).join(` ${node.op} `)})`
    case 'call':
      return `${node.name}(${node.args.map(shape).join(' ')})`
    case 'arithmetic':
    case 'compare':
      return `(${shape(node.left)} ${node.op} ${shape(node.right)})`
  }
}

const shapes: readonly (readonly [string, string])[] = [
  // precedence, tightest first: Plan.g4
  ['a like "x" == b', '((a like "x") == b)'],
  ['not a like "x%"', '(not (a like "x%"))'],
  ['not a in [1]', '((not a) in [1])'],
  ['not (a in [1])', '(not (a in [1]))'],
  ['not a == b', '((not a) == b)'],
  ['! a is null', '(not (a is null))'],
  ['exists a["k"] and b == 1', '((exists a["k"]) and (b == 1))'],
  ['- 2 ** 2', '(- (2 ** 2))'],
  ['2 ** -1 * 3', '((2 ** (- 1)) * 3)'],
  ['2 ** 3 ** 2', '((2 ** 3) ** 2)'],
  ['a + 2 * 3 - 4 % 5', '((a + (2 * 3)) - (4 % 5))'],
  ['a << 1 + 1 > 2', '((a << (1 + 1)) > 2)'],
  ['a + 1 in [1]', '((a + 1) in [1])'],
  ['a == b < c', '(a == (b < c))'],
  ['a & b == c', '(a & (b == c))'],
  ['a | b ^ c & d', '(a | (b ^ (c & d)))'],
  ['a == 1 or b == 2 and c == 3', '((a == 1) or ((b == 2) and (c == 3)))'],
  ['a == 1 && b == 2 || c == 3', '(((a == 1) and (b == 2)) or (c == 3))'],
  ['a == 1 or b == 2 or (c == 3 or d == 4)', '((a == 1) or (b == 2) or ((c == 3) or (d == 4)))'],
  ['(a == 1 or b == 2) and c == 3', '(((a == 1) or (b == 2)) and (c == 3))'],
  // range chains
  ['1 < a < 5', '(1 < a < 5)'],
  ['1 <= a["x"] < 5 + 1', '(1 <= a["x"] < (5 + 1))'],
  ['5 >= a > 1', '(5 >= a > 1)'],
  ['1 < a > 5', '((1 < a) > 5)'],
  ['1 < a + 1 < 5', '((1 < (a + 1)) < 5)'],
  // names and paths
  ['$meta["k"] == 1', '($meta["k"] == 1)'],
  ['$meta == 1', '($meta == 1)'],
  ['a["x"][\'y\'][0] == 1', '(a["x"]["y"][0] == 1)'],
  ['a["q\\"q"]["]"] == 1', '(a["q\\"q"]["]"] == 1)'],
  ['a[r"b\\n"] == 1', '(a["b\\\\n"] == 1)'],
  ['inner == 1 and order == 2', '((inner == 1) and (order == 2))'],
  ['And == 1', '(And == 1)'],
  ['a in[1,2]', '(a in [1 2])'],
  // keywords: all lower or all upper
  ['A IN [1] AND NOT (B LIKE "x") OR C IS NOT NULL', '(((A in [1]) and (not (B like "x"))) or (C is not null))'],
  ['EXISTS a["k"]', '(exists a["k"])'],
  ['true', 'true'],
  ['True == FALSE', '(true == false)'],
  // literals
  ['0x1F', '31'],
  ['0b101', '5'],
  ['017', '15'],
  ['0', '0'],
  ['9223372036854775807', '9223372036854775807'],
  ['-9223372036854775808', '(- 9223372036854775808)'],
  ['.5', '0.5'],
  ['1.', '1'],
  ['1e3', '1000'],
  ['2.5E-1', '0.25'],
  ['0x1.8p3', '12'],
  ['0x.8p1', '1'],
  ['[1, 2,]', '[1 2]'],
  ['[]', '[]'],
  ['[ \n ]', '[]'],
  ['{name}', '{name}'],
  ['a in {list}', '(a in {list})'],
  // lists of literals only are read in one go, all others item by item
  ['[-9223372036854775808, 9223372036854775807 ,0 ]', '[-9223372036854775808 9223372036854775807 0]'],
  ['["a",\n\'b"\', "c\\"d", "]"]', '["a" "b\\"" "c\\"d" "]"]'],
  ['[1, 0x10, 017, 2.5, true, r"x", 1 + 1, {t}, "s"]', '[1 16 15 2.5 true "x" (1 + 1) {t} "s"]'],
  ['[017, 1]', '[15 1]'],
  ['a[0] == 1 and b in [0]', '((a[0] == 1) and (b in [0]))'],
  // strings
  ['"a\'b"', '"a\'b"'],
  ["'a\"b'", '"a\\"b"'],
  ['"a\\"b\\\\c\\n\\t"', '"a\\"b\\\\c\\n\\t"'],
  ['"\\x41\\u4e2d\\101"', '"A中A"'],
  ['"中文😀"', '"中文😀"'],
  ['u8"x"', '"x"'],
  ['r"a\\n"', '"a\\\\n"'],
  ['"50\\%"', '"50\\\\%"'],
  ['""', '""'],
  // blanks
  [' a\n ==\t1 ', '(a == 1)'],
  ['a==1and b==2', '((a == 1) and (b == 2))'],
  // calls
  ['json_contains(a["x"], 1)', 'json_contains(a["x"] 1)'],
  ['text_match(a, "x", minimum_should_match=2)', 'text_match(a "x" minimum_should_match)'],
]

test('the tree follows the grammar', () => {
  for (const [text, expected] of shapes) assert.equal(shape(parseFilter(text, limits)), expected, text)
})

const refusals: readonly (readonly [string, number | null, RegExp])[] = [
  ['a = 1', 2, /unexpected '=', use == to compare/],
  ['a ==', 4, /unexpected end of expression/],
  ['a == 1)', 6, /unexpected '\)'/],
  ['(a == 1', 7, /unexpected end of expression/],
  ['a == 1 b', 7, /unexpected 'b'/],
  ['a And b', 2, /unexpected 'And'/],
  ['a in [1,,2]', 8, /unexpected ','/],
  ['a in ["x, 1]', 6, /string that begins with " has no end/],
  ['a == "x', 5, /string that begins with " has no end/],
  ['a == 1 ; drop', 7, /unexpected character ';'/],
  ['a == 9223372036854775809', 5, /out of the range of Int64/],
  ['a == 1e999', 5, /out of the range of Double/],
  ['a == "\\ud800"', 5, /half of a surrogate pair/],
  ['a is  null', 2, /unexpected 'is'/],
  ['a =~ "x"', 2, /=~.* not served yet/],
  ['s[0][x] == 1', 0, /struct field s\[0\]\[x\] is not served yet/],
  ['ts > ISO "2025-01-01"', 5, /ISO .* not served yet/],
  ['a["x"](1)', 0, /cannot be called/],
]

test('what the grammar does not take is refused at its place', () => {
  for (const [text, offset, message] of refusals) {
    assert.throws(
      () => parseFilter(text, limits),
      (error) => {
        assert.ok(error instanceof FilterFailure, text)
        assert.match(error.message, message, text)
        assert.equal(error.offset, offset, text)
        return true
      },
    )
  }
})

test('nesting beyond the limit is refused, however it is written, and never overflows the stack', () => {
  const times = 20_000
  const hostile = {
    parentheses: `${'('.repeat(times)}a${')'.repeat(times)}`,
    open: '('.repeat(times),
    brackets: '['.repeat(times),
    not: `${'not '.repeat(times)}a`,
    minus: `${'-'.repeat(times)}1`,
    exists: `${'exists '.repeat(times)}a`,
    calls: 'f('.repeat(times),
    sum: `1${'+1'.repeat(times)}`,
    comparisons: `a${' == a'.repeat(times)}`,
    inside: `${'(a == 1 or '.repeat(times)}a == 1${')'.repeat(times)}`,
  }
  for (const [name, text] of Object.entries(hostile)) {
    const unlimited = { bytesMax: 1 << 30, depthMax: Number.MAX_SAFE_INTEGER }
    assert.throws(() => parseFilter(text, limits), /nested deeper than 100 levels/, name)
    assert.throws(() => parseFilter(text, unlimited), /nested deeper than 256 levels/, name)
  }
  assert.equal(parseFilter(`${'('.repeat(99)}a${')'.repeat(99)}`, limits).kind, 'name')
})

test('long flat chains and lists are not deep', () => {
  assert.equal(parseFilter(`a == 1${' or a == 1'.repeat(20_000)}`, limits).depth, 3)
  assert.equal(parseFilter(`a in [${'1,'.repeat(20_000)}]`, limits).depth, 3)
})

test('a text above the byte limit is refused before it is read', () => {
  assert.throws(() => parseFilter('é'.repeat(10), { bytesMax: 19, depthMax: 10 }), /20 bytes is longer than 19 bytes/)
})
