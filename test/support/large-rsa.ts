/**
 * An RSA key of 16,384 bits in a moment: its two factors are products of eight primes each, which RSA does not mind and
 * which takes a hundredth of the time of finding two primes of that size. Good for signatures, not for secrets.
 */
import { generatePrimeSync, webcrypto } from 'node:crypto'

const E = 65_537n

export async function largeRsaKeys(): Promise<webcrypto.CryptoKeyPair> {
  const [p, q] = [factor(), factor()]
  const d = inverse(E, p.order * q.order)
  const fields = {
    n: p.value * q.value,
    e: E,
    d,
    p: p.value,
    q: q.value,
    dp: d % p.order,
    dq: d % q.order,
    qi: inverse(q.value, p.value),
  }
  const jwk = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, base64url(value)]))
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const take = (key: webcrypto.JsonWebKey, usage: 'sign' | 'verify') =>
    webcrypto.subtle.importKey('jwk', { kty: 'RSA', ...key }, algorithm, true, [usage])
  const { n, e } = jwk
  if (n === undefined || e === undefined) throw new Error('no modulus')
  return { privateKey: await take(jwk, 'sign'), publicKey: await take({ n, e }, 'verify') }
}

/** A product of 8,192 bits, and the order of its multiplicative group. */
function factor(): { readonly value: bigint; readonly order: bigint } {
  let [value, order] = [1n, 1n]
  for (let count = 0; count < 8; count += 1) {
    const prime = generatePrimeSync(1024, { bigint: true })
    value *= prime
    order *= prime - 1n
  }
  return { value, order }
}

function inverse(a: bigint, modulus: bigint): bigint {
  let [low, high, x, y] = [((a % modulus) + modulus) % modulus, modulus, 1n, 0n]
  while (low > 1n) {
    const times = high / low
    ;[low, high, x, y] = [high - times * low, low, y - times * x, x]
  }
  return ((x % modulus) + modulus) % modulus
}

function base64url(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}
