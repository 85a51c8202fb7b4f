import { faultText, type RedkiteError } from '../errors/error.ts'
import { Secret } from '../model/calls.ts'
import type { Credentials } from './authority.ts'

/** User and password as read from the wire, or an API key (which the open-source Milvus never accepts). */
export type Login =
  | { readonly kind: 'password'; readonly user: string; readonly password: Secret }
  | { readonly kind: 'apiKey' }

/**
 * Reads what a caller showed. gRPC: base64 of `user:password`, split at the first colon. REST: Basic, or Bearer with
 * `user:password` in the clear, or that without `Bearer` (Milvus 2.6 `authentication_interceptor.go`, `httpserver`).
 * @throws RedkiteError with Milvus' text
 */
export function readLogin(credentials: Credentials): Login {
  switch (credentials.kind) {
    case 'none':
      throw refused('missing authorization in header')
    case 'metadata': {
      const text = decodeBase64(credentials.value)
      if (text === null) throw refused('invalid token format')
      return split(text)
    }
    case 'header': {
      const basic = /^basic\s+(.*)$/i.exec(credentials.value)
      const text = basic ? decodeBase64(basic[1] ?? '') : credentials.value.replace(/^Bearer /, '')
      const login = text === null ? null : split(text)
      if (login?.kind === 'password' && (login.user === '' || login.password.reveal() === '')) throw restRefused()
      if (!login) throw restRefused()
      return login
    }
  }
}

/** Whether a caller showed nothing: no header, or one without content (the Node SDK's HttpClient sends `Bearer`). */
export function isEmpty(credentials: Credentials): boolean {
  return credentials.kind === 'none' || /^(bearer)?$/i.test(credentials.value.trim())
}

/** The user that credentials name, for the record; null where they name none, or what could not be one. */
export function claimedUser(credentials: Credentials): string | null {
  try {
    const login = readLogin(credentials)
    return login.kind === 'password' && /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(login.user) ? login.user : null
  } catch {
    return null
  }
}

function split(text: string): Login {
  const colon = text.indexOf(':')
  if (colon < 0) return { kind: 'apiKey' }
  return { kind: 'password', user: text.slice(0, colon), password: new Secret(text.slice(colon + 1)) }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function decodeBase64(value: string): string | null {
  return BASE64.test(value) ? Buffer.from(value, 'base64').toString('utf8') : null
}

export function refused(text: string): RedkiteError {
  return faultText('unauthenticated', text)
}

export function restRefused(): RedkiteError {
  return faultText('restUnauthenticated', "user hasn't authenticated")
}
