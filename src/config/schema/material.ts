import { bool, path, secret } from '../value-types.ts'
import type { KeyRows } from './row.ts'

/** Where key material comes from, and its renewal. */
export const materialKeys = {
  'redkite.tls.dir': {
    type: path,
    default: '',
    doc: 'Directory with server.pem, server.key and ca.pem, or tls.crt, tls.key and ca.crt (a Kubernetes Secret), instead of the three paths under tls.',
    as: null,
  },
  'redkite.tls.pkcs12Path': {
    type: path,
    default: '',
    doc: 'PKCS#12 bundle (.p12, .pfx) with key, certificate and chain, instead of tls.serverPemPath and tls.serverKeyPath; its root is the CA of clients where tls.caPemPath is empty.',
    as: null,
  },
  'redkite.tls.passphraseFile': {
    type: path,
    default: '',
    doc: 'File whose first line is the passphrase of the private key or bundle; read again at each load.',
    as: null,
  },
  'redkite.tls.passphraseCommand': {
    type: secret,
    default: '',
    doc: 'Program whose first line of output is that passphrase; run without a shell, within 10 seconds, at each load.',
    as: null,
  },
  'redkite.tls.caKeyPath': {
    type: path,
    default: '',
    doc: 'Private key of the CA that issued the server certificate, to renew it with; --auto-tls has one of its own.',
    as: null,
  },
  'redkite.tls.autoRenew': {
    type: bool,
    default: 'true',
    doc: 'Renew the server certificate at two thirds of its life where the key of its CA is at hand.',
  },
  'redkite.internaltls.passphraseFile': {
    type: path,
    default: '',
    doc: 'File whose first line is the passphrase of internaltls.serverKeyPath, and of the key that is shown to an upstream.',
  },
  'redkite.internaltls.passphraseCommand': {
    type: secret,
    default: '',
    doc: 'Program whose first line of output is that passphrase.',
  },
} as const satisfies KeyRows
