import { bool, bytes, duration, int, oneOf, optionalPort, path, port, text } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** Ports and protocols. Sources: milvus `pkg/util/paramtable/grpc_param.go`, `http_param.go`. */
export const serverKeys = {
  'proxy.port': { type: port, default: '19530', doc: 'gRPC, and REST where proxy.http.port is empty.' },
  'proxy.internalPort': { type: port, default: '19529', doc: 'gRPC between a proxy and the node behind it.' },
  'proxy.ip': {
    type: text,
    default: '',
    doc: 'Address that Milvus advertises; what is listened on is redkite.host.',
    effect: 'none',
  },
  'redkite.host': {
    type: text,
    default: '',
    doc: 'Address to listen on; empty: all interfaces, except that plaintext without a configuration file stays on loopback.',
    as: null,
  },
  'redkite.dataDir': {
    type: path,
    default: './redkite-data',
    doc: 'Where everything is stored.',
    as: null,
    fallback: ['localStorage.path'],
  },
  'proxy.http.enabled': { type: bool, default: 'true', doc: 'Serve REST.' },
  'proxy.http.port': {
    type: optionalPort,
    default: '',
    doc: 'Port of its own for REST; empty or equal to proxy.port: both share proxy.port, with TLS too.',
  },
  'proxy.http.acceptTypeAllowInt64': {
    type: bool,
    default: 'true',
    doc: 'REST answers carry int64 as JSON numbers; false: as strings. A request says otherwise by Accept-Type-Allow-Int64.',
  },
  'proxy.http.requestTimeoutMs': {
    type: int(1),
    default: '30000',
    doc: 'A REST request that takes longer is ended, unless its Request-Timeout header says otherwise.',
    as: 'limits.restTimeoutMs',
  },
  'proxy.http.readHeaderTimeout': {
    type: duration('s'),
    default: '5s',
    doc: 'Time for the headers of a request.',
    as: 'limits.headersTimeoutMs',
  },
  'proxy.http.readTimeout': {
    type: duration('s'),
    default: '0s',
    doc: 'Time for a whole request; see redkite.limits.bodyTimeoutMs.',
    effect: 'none',
  },
  'proxy.http.writeTimeout': { type: duration('s'), default: '0s', doc: 'Time for a whole answer.', effect: 'none' },
  'proxy.http.idleTimeout': {
    type: duration('s'),
    default: '300s',
    doc: 'An HTTP/1.1 connection without a request for this long is closed.',
    as: 'limits.keepAliveTimeoutMs',
  },
  'proxy.http.maxHeaderBytes': {
    type: bytes(1024),
    default: '16777216',
    doc: "Milvus' limit on request headers; redkite.limits.headerBytesMax is the one in force.",
    effect: 'none',
  },
  'proxy.http.debug_mode': {
    type: bool,
    default: 'false',
    doc: "Debug mode of Milvus' web framework.",
    effect: 'none',
  },
  'proxy.http.enablePprof': { type: bool, default: 'true', doc: 'Go profiles on 9091.', effect: 'none' },
  'proxy.http.enableWebUI': { type: bool, default: 'true', doc: "Milvus' web page on 9091.", effect: 'none' },
  'proxy.http.enableHSTS': {
    type: bool,
    default: 'false',
    doc: 'Send Strict-Transport-Security on REST answers over TLS.',
  },
  'proxy.http.hstsMaxAge': {
    type: int(0),
    default: '31536000',
    doc: 'Its max-age, in seconds.',
    as: 'proxy.http.hstsMaxAgeSeconds',
  },
  'proxy.http.hstsIncludeSubDomains': {
    type: bool,
    default: 'false',
    doc: 'Its includeSubDomains.',
  },
  'common.MetricsPort': {
    type: port,
    default: '9091',
    doc: 'Health and metrics, always plaintext.',
    as: 'metrics.port',
    fallback: ['METRICS_PORT'],
  },
  'redkite.metricsHost': {
    type: text,
    default: '127.0.0.1',
    doc: 'Address that health and metrics listen on; loopback, because they are neither encrypted nor behind a login.',
    as: 'metrics.host',
  },
  'proxy.gracefulStopTimeout': {
    type: duration('s'),
    default: '30',
    doc: 'Time for running calls to finish at a stop; what remains is cut off.',
    as: 'proxy.gracefulStopTimeoutMs',
    fallback: ['common.gracefulStopTimeout'],
  },
} as const satisfies KeyRows

/** Sources: milvus `pkg/util/paramtable/component_param.go` (log). */
export const logKeys = {
  'log.level': {
    type: oneOf(['debug', 'info', 'warn', 'error', 'panic', 'fatal']),
    default: 'info',
    doc: 'Least severe level that is printed.',
  },
  'log.format': { type: oneOf(['text', 'json']), default: 'text', doc: "Milvus' text form, or JSON." },
  'log.stdout': {
    type: bool,
    default: 'true',
    doc: 'Print to the console (stderr here); false only counts with log.file.rootPath.',
    as: 'log.console',
  },
  'log.file.rootPath': { type: path, default: '', doc: 'Directory of the log file; empty: no file.' },
  'log.file.filename': { type: text, default: 'redkite.log', doc: 'Its name; reopened on SIGHUP.' },
  'log.file.maxSize': {
    type: int(0),
    default: '300',
    doc: 'Megabytes before Milvus rotates; use logrotate.',
    effect: 'none',
  },
  'log.file.maxAge': { type: int(0), default: '10', doc: 'Days Milvus keeps a file.', effect: 'none' },
  'log.file.maxBackups': { type: int(0), default: '20', doc: 'Files Milvus keeps.', effect: 'none' },
} as const satisfies KeyRows
