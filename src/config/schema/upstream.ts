import { bool, int, list, oneOf, path, secret, text } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** What is forwarded to another server (`redkite run proxy --upstream URI`), and who may connect to the internal port. */
export const upstreamKeys = {
  'redkite.upstream.uri': {
    type: text,
    default: '',
    doc: 'The Milvus that `redkite run proxy` stands before: http://host:19530 or https://host:19530.',
    as: null,
  },
  'redkite.upstream.credentials': {
    type: oneOf(['passed', 'checked', 'mapped']),
    default: 'passed',
    doc: 'passed: the login of the caller goes upstream, which decides; checked: it is checked against the users here and nothing goes upstream; mapped: checked here, and upstream sees redkite.upstream.user.',
    as: null,
  },
  'redkite.upstream.user': { type: text, default: '', doc: 'The user that upstream sees where mapped.', as: null },
  'redkite.upstream.password': { type: secret, default: '', doc: 'Its password.', as: null },
  'redkite.upstream.caPemPath': {
    type: path,
    default: '',
    doc: 'Certificates that the upstream certificate must lead to; empty: internaltls.caPemPath where internal TLS is on.',
    as: null,
  },
  'redkite.upstream.clientPemPath': {
    type: path,
    default: '',
    doc: 'Certificate that is shown to the upstream, PEM, leaf first; empty: internaltls.serverPemPath where internal TLS is on, else none.',
    as: null,
  },
  'redkite.upstream.clientKeyPath': {
    type: path,
    default: '',
    doc: 'Its private key; empty: internaltls.serverKeyPath where internal TLS is on.',
    as: null,
  },
  'redkite.upstream.sni': {
    type: text,
    default: '',
    doc: 'Name that is sent to and verified of the upstream; empty: internaltls.sni where internal TLS is on, else the host of the URI.',
    as: null,
  },
  'redkite.upstream.connections': {
    type: int(1, 64),
    default: '2',
    doc: 'HTTP/2 connections kept open to the upstream; calls are spread over them.',
    as: null,
  },
  'redkite.upstream.connectTimeoutMs': {
    type: int(1),
    default: '5000',
    doc: 'Time for a connection with its handshakes, and the longest that a call waits for one that is being made.',
    as: null,
  },
  'redkite.upstream.keepaliveMs': {
    type: int(1000),
    default: '30000',
    doc: 'A connection that is silent for this long is pinged, and given up when the answer takes 10 s.',
    as: null,
  },
  'redkite.internaltls.mutual': {
    type: bool,
    default: 'true',
    doc: 'The internal port asks for a certificate of internaltls.caPemPath; false: one-way TLS, as Milvus.',
    as: null,
  },
  'redkite.internaltls.allowedPeers': {
    type: list,
    default: '',
    doc: 'DNS names and URIs of which a certificate must carry one to be admitted to the internal port; empty: every certificate of its CA.',
    as: null,
  },
} as const satisfies KeyRows
