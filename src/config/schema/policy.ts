import { bool, int, list, oneOf } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** Versions, ciphers and groups; limits of handshakes; proof at the start. */
export const policyKeys = {
  'redkite.tls.profile': {
    type: oneOf(['intermediate', 'modern']),
    default: 'intermediate',
    doc: 'intermediate: as Milvus by mode, TLS 1.2 and 1.3 in tlsMode 1, TLS 1.3 in tlsMode 2; modern: TLS 1.3 in both.',
  },
  'redkite.tls.minVersion': {
    type: oneOf(['profile', '1.2', '1.3']),
    default: 'profile',
    doc: 'Lowest TLS version, instead of the one of the profile.',
  },
  'redkite.tls.maxVersion': {
    type: oneOf(['profile', '1.2', '1.3']),
    default: 'profile',
    doc: 'Highest TLS version, instead of the one of the profile (1.3).',
  },
  'redkite.tls.ciphers': {
    type: list,
    default: '',
    doc: 'Ciphers in our order of preference, OpenSSL or IANA names, AEAD with forward secrecy only; empty: those of the profile.',
  },
  'redkite.tls.groups': {
    type: list,
    default: '',
    doc: 'Key-exchange groups in our order of preference; hybrid ones always come first; empty: those of the profile.',
  },
  'redkite.tls.pq': {
    type: oneOf(['prefer', 'require', 'off']),
    default: 'prefer',
    doc: 'Post-quantum key exchange: X25519MLKEM768 first; or hybrid groups only, clients without one are refused; or none.',
  },
  'redkite.tls.selfTest': {
    type: bool,
    default: 'true',
    doc: 'Before it says that it is ready, the server connects to its own TLS ports as strangers do and must be refused.',
  },
  'redkite.limits.handshakesPendingMax': {
    type: int(1),
    default: '4096',
    doc: 'Connections of a TLS port that have not finished their handshake; above it the slowest to speak is dropped.',
  },
  'redkite.limits.handshakesPendingPerPeerMax': {
    type: int(1),
    default: '1024',
    doc: 'The same for one address.',
  },
  'redkite.limits.handshakesPerSecondPerPeer': {
    type: int(0),
    default: '1000',
    doc: 'New connections a second from one address to a TLS port, after a burst of twice as many; 0: no limit.',
  },
} as const satisfies KeyRows
