import { errorTable } from '../../src/errors/table.ts'

/** `docs/reference/errors.md`: every error that the server answers, from the one table. */
export function renderErrors(): string {
  const rows = Object.entries(errorTable).map(([kind, row]) => {
    const grpc = row.grpc === null ? '0, in `Status`' : String(row.grpc)
    return `| ${kind} | ${row.code} | ${row.legacy} | ${grpc} | ${row.http} | ${row.retriable ? 'yes' : ''} | ${row.text} |`
  })
  return [
    '# Errors',
    '',
    'Generated from `src/errors/table.ts` by `npm run docs`; do not edit.',
    '',
    'Codes and texts are Milvus’ own. A business error is an answer: gRPC status 0 with `Status.code` and',
    '`Status.error_code` set, HTTP 200 with `{"code": …, "message": …}`. Errors of the gate and the transport are gRPC',
    'statuses and HTTP statuses of their own. The text that a client sees is `<what was wrong>: <text>[details]`.',
    '',
    '| kind | code | error_code | gRPC status | HTTP | try again | text |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
