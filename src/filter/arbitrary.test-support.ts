import fc from 'fast-check'
import type { DefaultValue, FieldSchema } from '../model/schema.ts'
import { dynamicField } from '../model/schema.ts'
import type { FilterSchema } from './checked.ts'
import type { Arith, Json, Literal, Naive, Op, Ref, Row } from './naive.test-support.ts'

/** A field as the catalog would hold it. */
export function testField(
  id: number,
  name: string,
  type: FieldSchema['type'],
  more: Partial<FieldSchema> = {},
): FieldSchema {
  const none: DefaultValue | null = null
  return {
    ...dynamicField(id),
    name,
    type,
    description: '',
    isDynamic: false,
    nullable: true,
    defaultValue: none,
    ...more,
  }
}

/** One field of every served kind; `$meta` too. */
export const testSchema: FilterSchema = {
  fields: [
    testField(100, 'id', 'Int64', { isPrimary: true, nullable: false }),
    testField(101, 'small', 'Int32'),
    testField(102, 'large', 'Int64'),
    testField(103, 'name', 'VarChar', { maxLength: 64 }),
    testField(104, 'price', 'Double'),
    testField(105, 'weight', 'Float'),
    testField(106, 'flag', 'Bool'),
    testField(107, 'doc', 'JSON'),
    testField(109, 'tiny', 'Int8'),
    testField(110, 'title', 'VarChar', { maxLength: 64 }),
    testField(111, 'vec', 'FloatVector', { dim: 2 }),
    testField(112, 'longs', 'Array', { elementType: 'Int64', maxCapacity: 8 }),
    testField(113, 'reals', 'Array', { elementType: 'Double', maxCapacity: 8 }),
    testField(114, 'tags', 'Array', { elementType: 'VarChar', maxCapacity: 8, maxLength: 64 }),
    testField(115, 'flags', 'Array', { elementType: 'Bool', maxCapacity: 8 }),
  ],
  dynamic: dynamicField(108),
}

const MAX = (1n << 63n) - 1n
const words = [
  '',
  'a',
  'A',
  'ab',
  'abc',
  'b',
  '%',
  '_',
  'a%b',
  'a_b',
  'a*',
  'a?c',
  '[a]',
  ']',
  "it's",
  'say "x"',
  'back\\slash',
  'é',
  '😀',
  '中文',
  'a\nb',
  '-',
  '^a',
]
const smallInts = fc.bigInt({ min: -4n, max: 6n })
const largeInts = fc.oneof(smallInts, fc.constantFrom(MAX, -MAX - 1n, MAX - 1n, 1n << 53n, (1n << 53n) + 1n))
const doubles = fc.oneof(fc.constantFrom(0, -0, 0.1, 0.5, -1.5, 1, 2, 3, 1e300, -2.25, 2 ** 53), smallInts.map(Number))
const texts = fc.constantFrom(...words)
const keys = ['a', 'b', 'x y', 'q"q', 'back\\s', "it's", 'é', '0', 'a.b', '[0]']
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json; leaf: Json }>((tie) => ({
  leaf: fc.oneof(largeInts, doubles, texts, fc.boolean(), fc.constant(null)),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value
const document = fc.dictionary(fc.constantFrom(...keys), json, { maxKeys: 5, noNullPrototype: true })
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 4 })

/** Rows of `testSchema`; JSON columns as values. */
export const arbitraryRow: fc.Arbitrary<Row> = fc.record({
  id: largeInts,
  small: nullable(smallInts),
  large: nullable(largeInts),
  name: nullable(texts),
  price: nullable(doubles),
  weight: nullable(doubles.map(Math.fround).filter(Number.isFinite)),
  flag: nullable(fc.boolean()),
  doc: nullable(document),
  tiny: nullable(smallInts),
  title: nullable(texts),
  longs: nullable(fc.array(largeInts, { maxLength: 4 })),
  reals: nullable(fc.array(doubles, { maxLength: 4 })),
  tags: nullable(fc.array(texts, { maxLength: 4 })),
  flags: nullable(fc.array(fc.boolean(), { maxLength: 4 })),
  $meta: document,
})

const integerRefs: Ref[] = ['small', 'large', 'tiny', 'id'].map((field) => ({ field }))
const floatRefs: Ref[] = [{ field: 'price' }, { field: 'weight', float32: true }]
const textRefs: Ref[] = [{ field: 'name' }, { field: 'title' }]
const flagRef: Ref = { field: 'flag' }
const step = fc.oneof(fc.constantFrom(...keys), fc.integer({ min: 0, max: 2 }))
const jsonRef: fc.Arbitrary<Ref> = fc.oneof(
  fc.array(step, { minLength: 1, maxLength: 2 }).map((path) => ({ field: 'doc', json: true, path })),
  fc.array(step, { minLength: 1, maxLength: 2 }).map((path) => ({ field: '$meta', json: true, path })),
  fc.array(step, { maxLength: 1 }).map((rest) => ({ field: '$meta', json: true, bare: true, path: ['a', ...rest] })),
)

const orderOps = fc.constantFrom<Op>('<', '<=', '>', '>=', '==', '!=')
const equalOps = fc.constantFrom<Op>('==', '!=')
const anyLiteral: fc.Arbitrary<Literal> = fc.oneof(largeInts, doubles, texts, fc.boolean())

function compare(ref: fc.Arbitrary<Ref>, op: fc.Arbitrary<Op>, value: fc.Arbitrary<Literal>): fc.Arbitrary<Naive> {
  return fc.record({ kind: fc.constant('compare'), ref, op, value, mirrored: fc.boolean() })
}
function arith(
  ref: fc.Arbitrary<Ref>,
  ops: readonly Arith[],
  by: fc.Arbitrary<bigint | number>,
  value: fc.Arbitrary<bigint | number>,
): fc.Arbitrary<Naive> {
  return fc
    .record({ kind: fc.constant('arith'), ref, arith: fc.constantFrom(...ops), by, op: orderOps, value })
    .filter((e) => !(Number(e.by) === 0 && (e.arith === '/' || e.arith === '%')))
    .filter((e) => !((e.arith === '<<' || e.arith === '>>') && (e.by < 0 || e.by > 63)))
}
const columns: fc.Arbitrary<Naive> = fc.oneof(
  [[...integerRefs, ...floatRefs], textRefs].map((refs) =>
    fc.record({
      kind: fc.constant('columns'),
      left: fc.constantFrom(...refs),
      op: orderOps,
      right: fc.constantFrom(...refs),
    }),
  )[0] ?? fc.constant<Naive>({ kind: 'columns', left: flagRef, op: '==', right: flagRef }),
  fc.record({
    kind: fc.constant('columns'),
    left: fc.constantFrom(...textRefs),
    op: orderOps,
    right: fc.constantFrom(...textRefs),
  }),
)
const range = (ref: fc.Arbitrary<Ref>): fc.Arbitrary<Naive> =>
  fc.record({ ref, low: smallInts, width: fc.bigInt({ min: 1n, max: 5n }) }).chain(({ ref, low, width }) =>
    fc.record({
      kind: fc.constant('range'),
      ref: fc.constant(ref),
      low: fc.constant(low),
      high: fc.constant(low + width),
      lowOp: fc.constantFrom('<', '<='),
      highOp: fc.constantFrom('<', '<='),
    }),
  )
/** Short lists, and ones long enough to travel as JSON: `filler` makes the rest of those. */
function within(
  ref: fc.Arbitrary<Ref>,
  value: fc.Arbitrary<Literal>,
  filler: (i: number) => Literal,
): fc.Arbitrary<Naive> {
  const short = fc.array(value, { maxLength: 5 })
  const long = short.map((values) => [...Array.from({ length: 70 }, (_, i) => filler(i)), ...values])
  const values = fc.oneof({ arbitrary: short, weight: 4 }, { arbitrary: long, weight: 1 })
  return fc.record({ kind: fc.constant('in'), ref, values, negated: fc.boolean() })
}
const pattern = fc
  .array(fc.constantFrom(...words, '%', '_', '\\', '\\%', '\\_'), { maxLength: 4 })
  .map((p) => p.join(''))
const like = (ref: fc.Arbitrary<Ref>): fc.Arbitrary<Naive> => fc.record({ kind: fc.constant('like'), ref, pattern })
const integers = fc.constantFrom(...integerRefs)
const floats = fc.constantFrom(...floatRefs)
const allColumns = fc.constantFrom(...integerRefs, ...floatRefs, ...textRefs, flagRef)
const arithAll: Arith[] = ['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>']

/** Predicates on plain columns. */
export const columnLeaf: fc.Arbitrary<Naive> = fc.oneof(
  compare(integers, orderOps, largeInts),
  compare(floats, orderOps, fc.oneof(doubles, smallInts)),
  compare(fc.constantFrom(...textRefs), orderOps, texts),
  compare(fc.constant(flagRef), equalOps, fc.boolean()),
  range(fc.oneof(integers, floats)),
  within(integers, largeInts, (i) => BigInt(i + 1000)),
  within(floats, doubles, (i) => i + 1000.5),
  within(fc.constantFrom(...textRefs), texts, (i) => `filler ${i}`),
  within(fc.constant(flagRef), fc.boolean(), (i) => i % 2 === 0),
  like(fc.constantFrom(...textRefs)),
  fc.record({
    kind: fc.constant('null'),
    ref: allColumns,
    word: fc.constantFrom<'is null' | 'is not null'>('is null', 'is not null'),
  }),
)

/** Predicates the index cannot take: arithmetic, two columns, JSON. */
export const otherLeaf: fc.Arbitrary<Naive> = fc.oneof(
  arith(integers, arithAll, largeInts, largeInts),
  arith(
    floats.filter((r) => !r.float32),
    ['+', '-', '*', '/'],
    fc.oneof(doubles, smallInts),
    doubles,
  ),
  arith(jsonRef, arithAll, largeInts, fc.oneof(largeInts, doubles)),
  arith(jsonRef, ['+', '-', '*', '/'], doubles, fc.oneof(largeInts, doubles)),
  columns,
  compare(jsonRef, orderOps, fc.oneof(largeInts, doubles, texts)),
  compare(jsonRef, equalOps, fc.boolean()),
  range(jsonRef),
  within(jsonRef, anyLiteral, (i) => (i % 2 === 0 ? BigInt(i + 1000) : `filler ${i}`)),
  like(jsonRef),
  fc.record({
    kind: fc.constant('null'),
    ref: jsonRef,
    word: fc.constantFrom<'is null' | 'is not null' | 'exists'>('is null', 'is not null', 'exists'),
  }),
  fc
    .record({
      kind: fc.constant('contains'),
      ref: jsonRef,
      call: fc.constantFrom<'json_contains' | 'json_contains_all' | 'array_contains_any'>(
        'json_contains',
        'json_contains_all',
        'array_contains_any',
      ),
      values: fc.array(anyLiteral, { minLength: 1, maxLength: 4 }),
    })
    .map((e) => (e.call === 'json_contains' ? { ...e, values: e.values.slice(0, 1) } : e)),
  fc.record({ kind: fc.constant('length'), ref: jsonRef, op: orderOps, value: smallInts }),
)

/** Predicates on an Array field and its elements. */
function arrayLeaf(field: string, values: fc.Arbitrary<Literal>, ops: fc.Arbitrary<Op>): fc.Arbitrary<Naive> {
  const whole = fc.constant<Ref>({ field })
  const element = fc.integer({ min: 0, max: 4 }).map((at): Ref => ({ field, path: [at] }))
  const call = fc.constantFrom<(Naive & { kind: 'contains' })['call']>(
    ...(['array_contains', 'ARRAY_CONTAINS_ALL', 'array_contains_any', 'json_contains', 'json_contains_all'] as const),
  )
  return fc.oneof(
    compare(element, ops, values),
    fc.record({
      kind: fc.constant('in'),
      ref: element,
      values: fc.array(values, { maxLength: 5 }),
      negated: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('null'), ref: whole, word: fc.constantFrom('is null', 'is not null') }),
    fc.record({ kind: fc.constant('length'), ref: whole, op: orderOps, value: smallInts }),
    fc.record({ kind: fc.constant('list'), ref: whole, op: equalOps, values: fc.array(values, { maxLength: 2 }) }),
    fc
      .record({
        kind: fc.constant('contains'),
        ref: whole,
        call,
        values: fc.array(values, { minLength: 1, maxLength: 4 }),
      })
      .map((e) => (/contains$/.test(e.call) ? { ...e, values: e.values.slice(0, 1) } : e)),
  )
}
export const arrayLeaves: fc.Arbitrary<Naive> = fc.oneof(
  arrayLeaf('longs', largeInts, orderOps),
  arrayLeaf('reals', fc.oneof(doubles, smallInts), orderOps),
  arrayLeaf('tags', texts, orderOps),
  arrayLeaf('flags', fc.boolean(), equalOps),
)

/** Trees over the given leaves. */
export function arbitraryFilter(leaf: fc.Arbitrary<Naive>): fc.Arbitrary<Naive> {
  return fc.letrec<{ node: Naive }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.record({ kind: fc.constant('not'), term: tie('node'), word: fc.constantFrom('not ', '!', 'NOT') }),
      fc.record({
        kind: fc.constant('chain'),
        op: fc.constant<'and'>('and'),
        terms: fc.array(tie('node'), { minLength: 2, maxLength: 4 }),
        word: fc.constantFrom('and', 'AND', '&&'),
      }),
      fc.record({
        kind: fc.constant('chain'),
        op: fc.constant<'or'>('or'),
        terms: fc.array(tie('node'), { minLength: 2, maxLength: 4 }),
        word: fc.constantFrom('or', 'OR', '||'),
      }),
    ),
  })).node
}
