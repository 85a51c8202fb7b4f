import { faultText } from '../../errors/error.ts'
import type { CloseWish } from './administration.ts'

const KEYS = ['id', 'fingerprint', 'user'] as const
const TEXT_MAX = 512

/**
 * Reads `{"id": …}`, `{"fingerprint": …}` or `{"user": …}`: exactly one of them, so that a slip closes nothing it should
 * not. A fingerprint may be written with or without colons. @throws RedkiteError `invalidParameter`
 */
export function closeWish(body: Readonly<Record<string, unknown>>): CloseWish {
  const stranger = Object.keys(body).find((key) => !KEYS.some((known) => known === key))
  if (stranger !== undefined) throw bad(`unknown field ${JSON.stringify(stranger.slice(0, TEXT_MAX))}`)
  const [key, ...more] = KEYS.filter((name) => body[name] !== undefined)
  if (key === undefined || more.length > 0) throw bad('one of id, fingerprint and user is wanted')
  const value = body[key]
  if (typeof value !== 'string' || value === '' || value.length > TEXT_MAX) throw bad(`${key} must be a text`)
  if (key === 'user') return { by: 'user', user: value }
  if (key === 'id') {
    if (!/^[a-z]+:\d+$/.test(value)) throw bad('id is like proxy:12; GET /redkite/v1/tls/connections tells it')
    return { by: 'id', id: value }
  }
  const digits = value.replaceAll(':', '').toUpperCase()
  if (!/^[0-9A-F]{64}$/.test(digits)) throw bad('fingerprint is the SHA-256 of a certificate, 64 hexadecimal digits')
  return { by: 'fingerprint', fingerprint: digits.replace(/(..)(?=.)/g, '$1:') }
}

function bad(text: string) {
  return faultText('invalidParameter', `connections/close: ${text}`)
}
