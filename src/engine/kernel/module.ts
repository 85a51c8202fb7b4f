/**
 * The WebAssembly module of the exact kernel, assembled here: two functions, `dot` and `l2`, over 128-bit lanes.
 * JavaScript has no float32 SIMD; this is 5 to 8 times the plain loop (docs/adr/006-exact-kernel.md), and one page of
 * bytes needs no toolchain. In WebAssembly's text form each function is:
 *
 *   (func (param $query i32) (param $row i32) (param $rows i32) (param $wide i32) (param $bytes i32) (param $out i32)
 *     loop over $rows:
 *       a0..a3 = 0;  $p = $query
 *       while $p < $query + $wide:  four steps of 16 bytes into a0..a3       ($wide = bytes rounded down to 64)
 *       while $p < $query + $bytes: one step of 16 bytes into a0             ($bytes is a multiple of 16)
 *       f32.store $out = sum of the lanes of a0 + a1 + a2 + a3
 *
 * A step is `a += row * query` for dot and `d = row - query; a += d * d` for l2. Opcodes: WebAssembly Core 2.0,
 * section 5.4 (Instructions); layout: 5.5 (Modules).
 */

const I32 = 0x7f
const V128 = 0x7b
const PARAM = { query: 0, row: 1, rows: 2, wide: 3, bytes: 4, out: 5 } as const
const LOCAL = { p: 6, end: 7, a0: 8, a1: 9, a2: 10, a3: 11, d: 12 } as const
const ACCUMULATORS = [LOCAL.a0, LOCAL.a1, LOCAL.a2, LOCAL.a3] as const

type Code = readonly number[]

/** Unsigned LEB128, the integer form of the binary format. */
function leb(value: number): Code {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest & 0x7f
    rest >>>= 7
    bytes.push(rest === 0 ? low : low | 0x80)
  } while (rest !== 0)
  return bytes
}

const get = (local: number): Code => [0x20, local]
const set = (local: number): Code => [0x21, local]
const tee = (local: number): Code => [0x22, local]
/** i32.const of a value below 64 needs one byte of signed LEB128; 64 needs two. */
const i32 = (value: number): Code => (value < 64 ? [0x41, value] : [0x41, (value & 0x7f) | 0x80, value >>> 7])
const I32_ADD = 0x6a
const I32_SUB = 0x6b
const I32_LT_U = 0x49
const F32_ADD = 0x92
const simd = (op: number): Code => [0xfd, ...leb(op)]
/** v128.load with a 4-byte alignment hint: rows need not be 16-byte aligned. */
const load = (offset: number): Code => [...simd(0x00), 2, ...leb(offset)]
const F32X4_ADD = simd(0xe4)
const F32X4_SUB = simd(0xe5)
const F32X4_MUL = simd(0xe6)
const lane = (index: number): Code => [...simd(0x1f), index]
const V128_ZERO: Code = [...simd(0x0c), ...new Array<number>(16).fill(0)]
const F32_STORE: Code = [0x38, 2, 0]
const LOOP = 0x03
const BLOCK = 0x02
const VOID = 0x40
const END = 0x0b
const brIf = (depth: number): Code => [0x0d, depth]
const br = (depth: number): Code => [0x0c, depth]
const I32_EQZ = 0x45

function step(kind: 'dot' | 'l2', accumulator: number, offset: number): Code {
  const operands = [...get(PARAM.row), ...load(offset), ...get(LOCAL.p), ...load(offset)]
  const product =
    kind === 'dot'
      ? [...operands, ...F32X4_MUL]
      : [...operands, ...F32X4_SUB, ...tee(LOCAL.d), ...get(LOCAL.d), ...F32X4_MUL]
  return [...get(accumulator), ...product, ...F32X4_ADD, ...set(accumulator)]
}

const advance = (local: number, bytes: number): Code => [...get(local), ...i32(bytes), I32_ADD, ...set(local)]

/** `while p < query + limit { steps }`, advancing row and p by `bytes` each turn. */
function stride(limit: number, bytes: number, steps: Code): Code {
  return [
    ...[...get(PARAM.query), ...get(limit), I32_ADD, ...set(LOCAL.end)],
    ...[BLOCK, VOID, LOOP, VOID],
    ...[...get(LOCAL.p), ...get(LOCAL.end), I32_LT_U, I32_EQZ, ...brIf(1)],
    ...steps,
    ...advance(PARAM.row, bytes),
    ...advance(LOCAL.p, bytes),
    ...[...br(0), END, END],
  ]
}

function body(kind: 'dot' | 'l2'): Code {
  const [a0, a1, a2, a3] = ACCUMULATORS
  const sum = [...get(a0), ...get(a1), ...F32X4_ADD, ...get(a2), ...get(a3), ...F32X4_ADD, ...F32X4_ADD, ...set(a0)]
  const lanes = [0, 1, 2, 3].flatMap((i) => [...get(a0), ...lane(i), ...(i === 0 ? [] : [F32_ADD])])
  return [
    ...[LOOP, VOID],
    ...ACCUMULATORS.flatMap((a) => [...V128_ZERO, ...set(a)]),
    ...[...get(PARAM.query), ...set(LOCAL.p)],
    ...stride(
      PARAM.wide,
      64,
      ACCUMULATORS.flatMap((a, i) => step(kind, a, i * 16)),
    ),
    ...stride(PARAM.bytes, 16, step(kind, a0, 0)),
    ...sum,
    ...[...get(PARAM.out), ...lanes, ...F32_STORE],
    ...advance(PARAM.out, 4),
    ...[...get(PARAM.rows), ...i32(1), I32_SUB, ...tee(PARAM.rows), ...brIf(0), END, END],
  ]
}

const section = (id: number, content: Code): Code => [id, ...leb(content.length), ...content]
const named = (name: string): Code => [...leb(name.length), ...Buffer.from(name)]

function entry(kind: 'dot' | 'l2'): Code {
  // Two local groups: 2 x i32 (p, end), 5 x v128 (a0..a3, d).
  const content = [2, 2, I32, 5, V128, ...body(kind)]
  return [...leb(content.length), ...content]
}

/** The module's bytes: imports `env.memory`, exports `dot` and `l2`. */
export function kernelModule(): Uint8Array<ArrayBuffer> {
  const signature = [0x60, 6, I32, I32, I32, I32, I32, I32, 0]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, ...signature]),
    ...section(2, [1, ...named('env'), ...named('memory'), 0x02, 0x00, 1]),
    ...section(3, [2, 0, 0]),
    ...section(7, [2, ...named('dot'), 0, 0, ...named('l2'), 0, 1]),
    ...section(10, [2, ...entry('dot'), ...entry('l2')]),
  ])
}
