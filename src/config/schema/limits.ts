import { bytes, int, text } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** What a connection or a request may take. Milvus' limits under Milvus' names, ours under `redkite.limits`. */
export const limitKeys = {
  'proxy.grpc.serverMaxRecvSize': {
    type: bytes(1024),
    default: '134217728',
    doc: 'Largest request message, gRPC or REST.',
    as: 'limits.messageBytesMax',
    fallback: ['grpc.serverMaxRecvSize'],
  },
  'proxy.grpc.serverMaxSendSize': {
    type: bytes(1024),
    default: '268435456',
    doc: 'Largest gRPC response message; a larger one is RESOURCE_EXHAUSTED.',
    as: 'limits.replyBytesMax',
    fallback: ['grpc.serverMaxSendSize'],
  },
  'redkite.limits.headerBytesMax': { type: bytes(1024), default: '16384', doc: 'All headers of a request.' },
  'redkite.limits.streamsPerConnectionMax': {
    type: int(1),
    default: '256',
    doc: 'Concurrent calls on one connection.',
  },
  'redkite.limits.connectionsMax': { type: int(1), default: '10000', doc: 'Open connections of all peers.' },
  'redkite.limits.connectionsPerPeerMax': { type: int(1), default: '2000', doc: 'Open connections of one address.' },
  'redkite.limits.windowBytes': {
    type: bytes(65535),
    default: '1048576',
    doc: 'HTTP/2 flow-control window of each stream and connection.',
  },
  'redkite.limits.sessionMegabytesMax': {
    type: int(1),
    default: '256',
    doc: 'What an HTTP/2 connection may hold before new calls on it are turned away.',
  },
  'redkite.limits.pingAfterMs': {
    type: int(1000),
    default: '60000',
    doc: 'Silence on an HTTP/2 connection after which the server pings.',
  },
  'redkite.limits.pingTimeoutMs': { type: int(100), default: '10000', doc: 'Time for the answer to that ping.' },
  'redkite.limits.idleSessionMs': {
    type: int(0),
    default: '0',
    doc: 'Time without a call after which an HTTP/2 connection is sent away; 0: never, as Milvus.',
  },
  'redkite.limits.bytesInFlightMax': {
    type: bytes(1024),
    default: '536870912',
    doc: 'Request bytes held at one time; above it calls wait.',
  },
  'redkite.limits.waitingMax': {
    type: int(0),
    default: '1024',
    doc: 'Calls that may wait; more are refused as overload.',
  },
  'redkite.limits.bodyTimeoutMs': {
    type: int(1),
    default: '30000',
    doc: 'Time a request body has before its rate is looked at.',
  },
  'redkite.limits.bodyBytesPerSecondMin': {
    type: bytes(1),
    default: '16384',
    doc: 'Slowest rate at which a body may then arrive.',
  },
  'redkite.limits.replyGzipBytesMin': {
    type: int(0),
    default: '0',
    doc: 'Smallest gRPC reply that is gzipped where the client accepts it; 0: never, as Milvus.',
  },
  'redkite.limits.expressionBytesMax': { type: bytes(1), default: '1048576', doc: 'Longest filter expression.' },
  'redkite.limits.expressionDepthMax': { type: int(1), default: '256', doc: 'Deepest nesting of a filter expression.' },
  'quotaAndLimits.limits.nq': {
    type: int(1),
    default: '16384',
    doc: 'Most query vectors of a search.',
    as: 'limits.nqMax',
  },
  'quotaAndLimits.limits.topK': {
    type: int(1),
    default: '16384',
    doc: 'Most hits of a query vector.',
    as: 'limits.topkMax',
    fallback: ['common.topKLimit'],
  },
  'quotaAndLimits.limits.maxQueryResultWindow': {
    type: int(1),
    default: '16384',
    doc: 'Largest offset plus limit of a query or search.',
    as: 'limits.resultWindowMax',
  },
  'quotaAndLimits.limits.maxOutputSize': {
    type: bytes(1),
    default: '104857600',
    doc: 'Largest result of a search or query.',
    as: 'limits.resultBytesMax',
  },
  'quotaAndLimits.limits.maxInsertSize': {
    type: int(-1),
    default: '-1',
    doc: 'Largest insert or upsert, in bytes of its values; -1: as large as a message.',
    as: 'limits.insertBytesMax',
  },
  'quotaAndLimits.limits.maxCollectionNum': {
    type: int(1),
    default: '65536',
    doc: 'Most collections.',
    as: 'limits.collectionsMax',
  },
  'quotaAndLimits.limits.maxCollectionNumPerDB': {
    type: int(1),
    default: '65536',
    doc: 'Most collections of a database.',
    as: 'limits.collectionsPerDatabaseMax',
  },
  'rootCoord.maxDatabaseNum': { type: int(1), default: '64', doc: 'Most databases.', as: 'limits.databasesMax' },
  'rootCoord.maxPartitionNum': {
    type: int(1),
    default: '1024',
    doc: 'Most partitions of a collection.',
    as: 'limits.partitionsMax',
  },
  'proxy.maxNameLength': {
    type: int(1),
    default: '255',
    doc: 'Longest name of a database, collection, partition, field, index or alias, in bytes.',
    as: 'limits.nameBytesMax',
  },
  'proxy.maxFieldNum': { type: int(1), default: '64', doc: 'Most fields of a collection.', as: 'limits.fieldsMax' },
  'proxy.maxVectorFieldNum': {
    type: int(1, 10),
    default: '4',
    doc: 'Most vector fields of a collection.',
    as: 'limits.vectorFieldsMax',
  },
  'proxy.maxShardNum': { type: int(1), default: '16', doc: 'Most shards of a collection.', as: 'limits.shardsMax' },
  'proxy.maxDimension': { type: int(2), default: '32768', doc: 'Largest dimension of a vector.', as: 'limits.dimMax' },
  'proxy.maxVarCharLength': {
    type: int(1),
    default: '65535',
    doc: 'Largest max_length of a VarChar field, in bytes.',
    as: 'limits.varCharBytesMax',
  },
  'proxy.maxArrayCapacity': {
    type: int(1),
    default: '4096',
    doc: 'Largest max_capacity of an array field.',
    effect: 'none',
  },
  'common.JSONMaxLength': { type: bytes(1), default: '65536', doc: 'Largest JSON value.', as: 'limits.jsonBytesMax' },
  'proxy.maxTaskNum': { type: int(1), default: '1024', doc: "Length of Milvus' task queues.", effect: 'none' },
} as const satisfies KeyRows

/** The embedded engine. */
export const engineKeys = {
  'redkite.engine.sealRows': {
    type: int(1),
    default: '16384',
    doc: 'Growing rows above this are sealed into an indexed segment, in the background.',
  },
  'redkite.engine.readerThreads': {
    type: int(1, 64),
    default: '2',
    doc: 'Threads that read rows for filters and queries.',
  },
  'redkite.engine.writerThreads': {
    type: int(1, 64),
    default: '1',
    doc: 'Threads that write; a collection always has the same one.',
  },
  'common.storageType': {
    type: text,
    default: 'local',
    doc: 'Where Milvus keeps its files; always local here.',
    effect: 'none',
  },
} as const satisfies KeyRows
