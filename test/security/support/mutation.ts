/** Inputs that were good and are not any more: bytes set, cut, repeated, moved, or taken from another input. */
import fc from 'fast-check'

/** Of every run; printed, so that a failure can be repeated. `REDKITE_SECURITY_SEED` takes another. */
export const SEED = Number(process.env['REDKITE_SECURITY_SEED'] ?? '20260728')

const INPUT_BYTES_MAX = 1 << 20

/** Values at which lengths and counts go wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x22, 0x25, 0x28, 0x2e, 0x30, 0x3a, 0x5c, 0x7b, 0xfe]

type Edit = readonly [kind: number, at: number, length: number, value: number]

function edited(bytes: Buffer, [kind, at, length, value]: Edit, other: Buffer): Buffer {
  const start = at % (bytes.length + 1)
  const end = Math.min(bytes.length, start + 1 + (length % 64))
  const [before, middle, after] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)]
  switch (kind % 9) {
    case 0:
      return Buffer.concat([before, Buffer.from([value]), bytes.subarray(start + 1)])
    case 1:
      return Buffer.concat([before, Buffer.from([EDGES[value % EDGES.length] ?? 0]), bytes.subarray(start + 1)])
    case 2:
      return Buffer.concat([before, after])
    case 3:
      return Buffer.concat([before, middle, middle, after])
    case 4:
      return before
    case 5:
      return Buffer.concat([before, Buffer.alloc(1 + (length % 16), value), bytes.subarray(start)])
    case 6:
      return Buffer.concat([before, other.subarray(length % (other.length + 1)), after])
    case 7:
      return Buffer.concat([before, ...Array.from({ length: length % 200 }, () => middle), after])
    default:
      return Buffer.concat([after, middle, before])
  }
}

/** Which sample an input was made of. */
export const origins: WeakMap<Buffer, number> = new WeakMap()

/** One of the samples after one to six edits. */
export function mutated(samples: readonly (Buffer | Uint8Array | string)[]): fc.Arbitrary<Buffer> {
  const inputs = samples.map((sample) => Buffer.from(sample))
  const edit = fc.tuple(fc.nat(8), fc.nat(), fc.nat(1_000), fc.nat(255))
  return fc
    .tuple(fc.nat(inputs.length - 1), fc.nat(inputs.length - 1), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([one, two, edits]) => {
      const other = inputs[two] ?? Buffer.alloc(0)
      let bytes: Buffer = inputs[one] ?? other
      for (const change of edits) bytes = edited(bytes, change, other).subarray(0, INPUT_BYTES_MAX)
      // a view of its own, for the map
      const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      origins.set(input, one)
      return input
    })
}

/** As many inputs of one kind, the same ones each run: for senders that do not judge each by itself. */
export function mutations(samples: readonly (Buffer | Uint8Array | string)[], count: number, seed = SEED): Buffer[] {
  return fc.sample(mutated(samples), { numRuns: count, seed })
}
