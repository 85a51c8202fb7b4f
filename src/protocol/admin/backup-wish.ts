import { faultText } from '../../errors/error.ts'

const TEXT_MAX = 4096

/** Reads `{"path": "/absolute/new/folder"}`. @throws RedkiteError `invalidParameter` */
export function backupWish(body: Readonly<Record<string, unknown>>): string {
  const stranger = Object.keys(body).find((key) => key !== 'path')
  if (stranger !== undefined) throw bad(`unknown field ${JSON.stringify(stranger.slice(0, 100))}`)
  const path = body['path']
  if (typeof path !== 'string' || path === '' || path.length > TEXT_MAX || path.includes('\0'))
    throw bad('path must be the name of a new folder on the server')
  return path
}

function bad(text: string) {
  return faultText('invalidParameter', `backup: ${text}`)
}
