import { bool, duration, int, intCapped, list, path, secret, text, tlsMode } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** Encryption and login. Sources: milvus `pkg/util/paramtable/grpc_param.go`, `component_param.go`. */
export const tlsKeys = {
  'common.security.tlsMode': {
    type: tlsMode,
    default: '0',
    doc: '0: plaintext; 1: one-way TLS (server certificate only); 2: mutual TLS (client certificate required).',
    as: null,
  },
  'tls.serverPemPath': {
    type: path,
    default: '',
    doc: 'Server certificate, PEM, leaf first; needed in modes 1 and 2.',
    as: null,
  },
  'tls.serverKeyPath': {
    type: path,
    default: '',
    doc: 'Private key of the server certificate, PEM; needed in modes 1 and 2. Encrypted only with redkite.tls.passphraseFile or redkite.tls.passphraseCommand.',
    as: null,
  },
  'tls.caPemPath': {
    type: path,
    default: '',
    doc: 'Certificates that client certificates must lead to; read in mode 2 only.',
    as: null,
  },
  'redkite.tls.acceptServerAuthClients': {
    type: bool,
    default: 'false',
    doc: "Admit client certificates that only allow serverAuth (those of the Milvus documentation's gen.sh), with a warning and never as a user.",
  },
  'redkite.tls.strictKeyPermissions': {
    type: bool,
    default: 'false',
    doc: "Refuse a private key that others than its owner can read, or a directory of it that everybody can write, instead of warning. A file of root's that only the server's own group can read too (root:redkite 0640, or a Kubernetes Secret with defaultMode 0440 and fsGroup) passes.",
  },
  'redkite.tls.reloadIntervalMs': {
    type: int(0),
    default: '1000',
    doc: 'How often certificate files are looked at for changes, in milliseconds; 0: only on SIGHUP.',
  },
  'redkite.tls.handshakeTimeoutMs': {
    type: int(1),
    default: '10000',
    doc: 'A connection whose TLS handshake takes longer is closed.',
    as: 'limits.handshakeTimeoutMs',
  },
  'common.security.internaltlsEnabled': {
    type: bool,
    default: 'false',
    doc: 'TLS between the proxy and the node behind it.',
    as: null,
  },
  'internaltls.serverPemPath': { type: path, default: '', doc: 'Certificate of the internal port.', as: null },
  'internaltls.serverKeyPath': { type: path, default: '', doc: 'Its private key.', as: null },
  'internaltls.caPemPath': { type: path, default: '', doc: 'Certificates the internal peer must lead to.', as: null },
  'internaltls.sni': {
    type: text,
    default: '',
    doc: 'Name that is sent to and verified of every internal peer; empty: the name that is dialled.',
    as: null,
  },
} as const satisfies KeyRows

/** Users and passwords. */
export const authKeys = {
  'common.security.authorizationEnabled': {
    type: bool,
    default: 'false',
    doc: 'Every call needs a user and a password.',
    as: 'auth.authorizationEnabled',
  },
  'common.security.defaultRootPassword': {
    type: secret,
    default: 'Milvus',
    doc: 'Password of root at the first start; later changes have no effect (change it with UpdateCredential).',
    as: 'auth.defaultRootPassword',
  },
  'common.security.superUsers': {
    type: list,
    default: '',
    doc: 'Users who may change a password without the old one.',
    as: 'auth.superUsers',
  },
  'common.security.rootShouldBindRole': {
    type: bool,
    default: 'false',
    doc: 'Root needs roles like everyone else; it has admin unless that was taken from it.',
    as: 'auth.rootShouldBindRole',
  },
  'common.security.enablePublicPrivilege': {
    type: bool,
    default: 'true',
    doc: 'The role public, which every user has, may describe collections and indexes and list aliases.',
    as: 'auth.publicPrivilege',
  },
  'common.security.exprEnabled': {
    type: bool,
    default: 'false',
    doc: 'The /expr endpoint of 9091; never served here.',
    effect: 'none',
  },
  'common.security.exprAuthMode': { type: text, default: 'rootOnly', doc: 'Who may call /expr.', effect: 'none' },
  'proxy.minPasswordLength': {
    type: int(1, 72),
    default: '6',
    doc: 'Shortest password, in bytes.',
    as: 'auth.passwordBytesMin',
  },
  'proxy.maxPasswordLength': {
    type: intCapped(1, 72),
    default: '72',
    doc: 'Longest password, in bytes; never more than 72, as Milvus.',
    as: 'auth.passwordBytesMax',
  },
  'proxy.maxUsernameLength': {
    type: int(1),
    default: '32',
    doc: 'Longest user name, in bytes.',
    as: 'auth.usernameBytesMax',
  },
  'proxy.maxUserNum': { type: int(1), default: '100', doc: 'Most users, root included.', as: 'auth.usersMax' },
  'proxy.maxRoleNum': {
    type: int(1),
    default: '10',
    doc: 'Most roles, admin and public included.',
    as: 'auth.rolesMax',
  },
  'redkite.auth.passwordAttemptsMax': {
    type: int(1),
    default: '10',
    doc: 'Wrong passwords for one user from one address before further ones are refused unseen.',
  },
  'redkite.auth.passwordAttemptsWindow': {
    type: duration('s'),
    default: '60s',
    doc: 'How long wrong passwords are remembered.',
    as: 'auth.passwordAttemptsWindowMs',
  },
  'redkite.auth.passwordChecksQueuedMax': {
    type: int(1),
    default: '64',
    doc: 'Password checks that may wait; more are refused as overload.',
  },
} as const satisfies KeyRows
