import { fault, RedkiteError, upstreamFault } from '../../errors/error.ts'
import { ErrorCode, type Status } from '../../gen/common_pb.js'

/**
 * Codes of servers that set only the legacy `error_code`, as Milvus translates them itself (pkg/util/merr
 * `OldCodeToMerr`); any other is 65535, the unexpected error.
 */
const CODE_BY_LEGACY: Readonly<Record<number, number>> = {
  [ErrorCode.NotReadyServe]: 1,
  [ErrorCode.InsufficientMemoryToLoad]: 3,
  [ErrorCode.MemoryQuotaExhausted]: 3,
  [ErrorCode.DiskQuotaExhausted]: 7,
  [ErrorCode.RateLimit]: 8,
  [ErrorCode.ForceDeny]: 9,
  [ErrorCode.TimeTickLongDelay]: 11,
  [ErrorCode.CollectionNotExists]: 100,
  [ErrorCode.MetaFailed]: 500,
  [ErrorCode.SegmentNotFound]: 600,
  [ErrorCode.IndexNotExist]: 700,
  [ErrorCode.NodeIDNotMatch]: 904,
  [ErrorCode.IllegalArgument]: 1100,
}
const CODE_UNEXPECTED = 65535

/**
 * Throws what a reply's `Status` says, code and text unchanged; a reply without one is a success, as in proto3.
 * @throws RedkiteError of the upstream's own code
 */
export function refuseFailure(status: Status | undefined): void {
  if (!status || (status.code === 0 && status.errorCode === ErrorCode.Success)) return
  throw upstreamFault({
    code: status.code || (CODE_BY_LEGACY[status.errorCode] ?? CODE_UNEXPECTED),
    legacy: status.errorCode || ErrorCode.UnexpectedError,
    message: status.reason || status.detail || 'the upstream gave no reason',
    retriable: status.retriable,
    input: status.extraInfo['is_input_error'] === 'true',
  })
}

/** A reply that contradicts itself or lacks what it must say: a fault of the upstream, not of the caller. */
export function badReply(reason: string): RedkiteError {
  return fault('serviceInternal', `the upstream's reply is not usable: ${reason}`)
}

/** Reads a part of a reply with code that reads requests: what it refuses in a request is the upstream's fault here. */
export function readReply<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RedkiteError && error.kind === 'invalidParameter') throw badReply(error.message)
    throw error
  }
}
