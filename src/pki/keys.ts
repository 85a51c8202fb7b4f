import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, type webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { EXIT, StartError } from '../errors/start-error.ts'
import type { KeyKind } from './model.ts'

const generate = promisify(generateKeyPair)

/** Makes a new private key: ECDSA on P-256, or RSA of 2048 bits. Runs off the main thread. */
export async function newPrivateKey(kind: KeyKind): Promise<KeyObject> {
  const pair =
    kind === 'ec'
      ? await generate('ec', { namedCurve: 'prime256v1' })
      : await generate('rsa', { modulusLength: 2048, publicExponent: 65537 })
  return pair.privateKey
}

/** A private key as PKCS#8 PEM, unencrypted. */
export function keyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** SubjectPublicKeyInfo (DER) of a private key. */
export function publicKeyDer(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

/** The kind of new keys that matches an existing one: RSA stays RSA, everything else becomes P-256. */
export function keyKindOf(key: KeyObject): KeyKind {
  return key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss' ? 'rsa' : 'ec'
}

/** A certificate authority's key, ready to sign, with the signature algorithm that fits it. */
export interface SigningKey {
  readonly key: webcrypto.CryptoKey
  readonly algorithm: { readonly name: string; readonly hash: string }
}

const CURVES: Readonly<Record<string, { readonly name: string; readonly hash: string }>> = {
  prime256v1: { name: 'P-256', hash: 'SHA-256' },
  secp384r1: { name: 'P-384', hash: 'SHA-384' },
  secp521r1: { name: 'P-521', hash: 'SHA-512' },
}

/**
 * Prepares a private key for signing certificates. RSA and the three NIST curves are taken, whatever PEM form they
 * were in; signatures are never weaker than SHA-256.
 * @throws StartError (config) for a key of another kind.
 */
export function signingKey(key: KeyObject): SigningKey {
  if (key.asymmetricKeyType === 'rsa') {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    return { key: key.toCryptoKey(algorithm, false, ['sign']), algorithm }
  }
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (key.asymmetricKeyType === 'ec' && curve !== undefined) {
    const imported = key.toCryptoKey({ name: 'ECDSA', namedCurve: curve.name }, false, ['sign'])
    return { key: imported, algorithm: { name: 'ECDSA', hash: curve.hash } }
  }
  throw new StartError(
    EXIT.config,
    `a certificate authority key of type ${key.asymmetricKeyType ?? 'unknown'} cannot sign here`,
    'use an RSA or an ECDSA key on P-256, P-384 or P-521, or make a new set with redkite certs create',
  )
}

/**
 * Reads a private key from PEM: PKCS#8, PKCS#1 or SEC1, with an `EC PARAMETERS` block before it or not.
 * @throws StartError (config) that says what the file holds instead; the text never quotes the file.
 */
export function parsePrivateKey(pem: string, path: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new StartError(
      EXIT.config,
      `${path}: the private key is encrypted with a passphrase`,
      `decrypt it first: openssl pkey -in ${path} -out ${path}.plain`,
    )
  }
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    const found = /-----BEGIN CERTIFICATE-----/.test(pem)
      ? 'holds a certificate, not a private key'
      : 'is not a private key'
    throw new StartError(
      EXIT.config,
      `${path}: the file ${found}`,
      'a key file begins with -----BEGIN PRIVATE KEY-----; check that key and certificate are not swapped',
      { cause },
    )
  }
}
