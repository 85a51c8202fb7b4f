/**
 * Every error that Redkite can answer, once. Codes and sentinel texts are Milvus' own
 * (pkg/util/merr, lines 2.6 and 3.0); `legacy` is `common.ErrorCode`, which the Node SDK reads instead of `code`.
 *
 * - `grpc`: set where the answer is a gRPC status (trailers-only) instead of a `Status` in the response message.
 * - `http`: the HTTP status on REST; Milvus answers business errors with 200.
 * - `retriable`: whether the client may simply try again; an input error never is.
 */
export interface ErrorRow {
  readonly code: number
  readonly legacy: number
  readonly text: string
  readonly http: number
  readonly grpc: number | null
  readonly retriable: boolean
  readonly input: boolean
}

const LEGACY = {
  unexpected: 1,
  collectionNotExists: 4,
  illegalArgument: 5,
  metaFailed: 15,
  indexNotExist: 25,
  notReady: 56,
  diskQuota: 54,
} as const

/** gRPC status codes (grpc/grpc `doc/statuscodes.md`). */
export const GRPC = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const

function input(code: number, text: string, legacy: number = LEGACY.unexpected): ErrorRow {
  return { code, legacy, text, http: 200, grpc: null, retriable: false, input: true }
}
function system(code: number, text: string, legacy: number = LEGACY.unexpected, retriable = false): ErrorRow {
  return { code, legacy, text, http: 200, grpc: null, retriable, input: false }
}
function transport(code: number, text: string, grpc: number, http: number): ErrorRow {
  return { code, legacy: LEGACY.unexpected, text, http, grpc, retriable: false, input: true }
}

export const errorTable = {
  serviceNotReady: system(1, 'service not ready', LEGACY.notReady, true),
  serviceUnavailable: system(2, 'service unavailable', LEGACY.unexpected, true),
  serviceInternal: system(5, 'service internal error'),
  diskLimit: system(7, 'disk limit exceeded', LEGACY.diskQuota, true),
  unimplemented: system(10, 'service unimplemented'),

  collectionNotFound: input(100, 'collection not found', LEGACY.collectionNotExists),
  collectionNotLoaded: input(101, 'collection not loaded'),
  collectionNumLimit: input(102, 'exceeded the limit number of collections'),

  partitionNotFound: input(200, 'partition not found', LEGACY.metaFailed),
  partitionNotLoaded: input(201, 'partition not loaded'),

  indexNotFound: input(700, 'index not found', LEGACY.indexNotExist),
  indexDuplicate: input(702, 'index duplicates'),

  databaseNotFound: input(800, 'database not found'),
  databaseNumLimit: input(801, 'exceeded the limit number of database'),
  databaseInvalidName: input(802, 'invalid database name'),

  ioFailed: system(1001, 'IO failed'),

  invalidParameter: input(1100, 'invalid parameter', LEGACY.illegalArgument),
  parameterTooLarge: input(1102, 'parameter too large', LEGACY.illegalArgument),

  notAuthenticated: input(1400, 'not authenticated'),
  privilegeNotPermitted: input(1401, 'privilege not permitted'),
  privilegeGroupInvalidName: input(1402, 'invalid privilege group name'),

  aliasNotFound: input(1600, 'alias not found'),
  aliasCollectionConflict: input(1601, 'alias and collection name conflict'),
  aliasAlreadyExists: input(1602, 'alias already exist'),

  fieldInvalidName: input(1701, 'field name invalid'),

  restUnauthenticated: transport(1800, "user hasn't authenticated", GRPC.unauthenticated, 401),
  restNotJson: input(1801, 'can only accept json format request'),
  restMissingParameters: input(1802, 'missing required parameters'),
  restInsertData: input(1804, 'fail to deal the insert data'),
  restPrimaryKey: input(1806, 'please check the primary key and its type can only in [int, string]'),

  timeout: transport(10001, 'request timeout', GRPC.deadlineExceeded, 408),
  unexpected: system(65535, 'unexpected error'),
  /** Only by `upstreamFault`: the code and text are the upstream's. */
  upstream: system(65535, 'upstream error'),

  /** Answered by the gate, before a `Status` can exist. Texts: milvus-tls.md 4.1. */
  unauthenticated: transport(1800, "user hasn't authenticated", GRPC.unauthenticated, 401),
  permissionDenied: transport(65535, 'permission deny', GRPC.permissionDenied, 403),
  unknownRpc: transport(10, 'unknown method', GRPC.unimplemented, 404),
  notServedYet: transport(10, 'service unimplemented', GRPC.unimplemented, 501),
  malformedMessage: transport(65535, 'malformed message', GRPC.internal, 400),
  messageTooLarge: transport(65535, 'message larger than max', GRPC.resourceExhausted, 413),
  headersTooLarge: transport(65535, 'headers larger than max', GRPC.resourceExhausted, 431),
  overloaded: transport(4, 'too many concurrent requests, queue is full', GRPC.resourceExhausted, 429),
  /** The server behind this one cannot be reached, or went away; the text names it and the cause. */
  upstreamUnavailable: {
    ...system(2, 'service unavailable', LEGACY.unexpected, true),
    grpc: GRPC.unavailable,
    http: 503,
  },
  cancelled: transport(10000, 'canceled', GRPC.cancelled, 499),
} as const satisfies Record<string, ErrorRow>

export type ErrorKind = keyof typeof errorTable
