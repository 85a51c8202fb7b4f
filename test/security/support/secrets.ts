/** Looks for secrets in what a server said, however they are written. */
import { createPrivateKey } from 'node:crypto'

export interface Secrets {
  readonly name: string
  /** Each way in which it could be written. */
  readonly forms: readonly string[]
}

/** Base64 of whatever holds these bytes: the middle part is the same for each of three positions. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    const whole = text.slice(shift === 0 ? 0 : 4).replace(/.{0,3}=+$/, '')
    const cut = whole.slice(0, whole.length - (whole.length % 4))
    return cut.length < 8 ? [] : [cut, cut.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

function formsOf(bytes: Buffer): string[] {
  const hex = bytes.toString('hex')
  const colons = hex.replace(/..(?=.)/g, '$&:')
  const list = bytes.join(',')
  const spaced = colons.replaceAll(':', ' ')
  return [...base64Forms(bytes), hex, hex.toUpperCase(), colons, colons.toUpperCase(), spaced, list, bytes.join(', ')]
}

/** A text such as a password. */
export function text(name: string, value: string): Secrets {
  const url = encodeURIComponent(value)
  const forms = [value, url, [...value].reverse().join(''), ...formsOf(Buffer.from(value))]
  return { name, forms: [...new Set([...forms, ...forms.map((form) => form.toLowerCase())])] }
}

/** A private key in PEM: its lines, and its secret number. */
export function privateKey(name: string, pem: string, passphrase?: string): Secrets {
  const key = createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase })
  const { d } = key.export({ format: 'jwk' })
  const plain = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  const lines = `${pem}\n${plain}`.split('\n').filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line))
  return { name, forms: [...lines, ...formsOf(Buffer.from(d ?? '', 'base64url'))] }
}

/** Where each secret was found, in its surroundings; empty where none was. */
export function found(secrets: readonly Secrets[], said: ReadonlyMap<string, string>): string[] {
  return secrets.flatMap(({ name, forms }) =>
    [...said].flatMap(([source, words]) =>
      forms
        .filter((form) => words.includes(form))
        .map((form) => {
          const at = words.indexOf(form)
          return `${name} as ${form} in ${source}: …${words.slice(Math.max(0, at - 120), at + form.length + 40)}…`
        }),
    ),
  )
}
