import { fault } from '../errors/error.ts'
import { ANY } from './privileges.ts'

/** Milvus' rule for names of roles, objects and privileges (`proxy/util.go` `validateName`), in its words. */
function checkName(name: string, bytesMax: number, what: string): void {
  const shown = name.trim()
  if (shown === '') throw fault('invalidParameter', `${what} should be not empty`)
  if (Buffer.byteLength(shown) > bytesMax) {
    throw fault('invalidParameter', `the length of ${what} must be not greater than limit`, { limit: bytesMax })
  }
  if (!/^[A-Za-z_]/.test(shown)) {
    throw fault('invalidParameter', `the first character of ${what} must be an underscore or letter`)
  }
  const at = [...name].findIndex((c) => !/[A-Za-z0-9_$]/.test(c))
  if (at < 0) return
  const text = `${what} can only contain numbers, letters, dollars and underscores, found ${[...name][at]} at ${at}`
  throw fault('invalidParameter', text)
}

/** @throws RedkiteError `invalidParameter` */
export function checkRoleName(name: string, bytesMax: number): void {
  checkName(name, bytesMax, 'role name')
}

/** Name of a collection or user in a grant, or `*`. @throws RedkiteError `invalidParameter` */
export function checkObjectName(name: string, bytesMax: number): void {
  if (name !== ANY) checkName(name, bytesMax, 'object name')
}

/** @throws RedkiteError `invalidParameter` */
export function checkPrivilegeName(name: string, bytesMax: number): void {
  if (name !== ANY) checkName(name, bytesMax, 'Privilege')
}

/** @throws RedkiteError `privilegeGroupInvalidName` with Milvus' text */
export function checkGroupName(name: string, bytesMax: number): void {
  const refused = (text: string) => fault('privilegeGroupInvalidName', text)
  if (name === '') throw refused('privilege group name should not be empty')
  if (Buffer.byteLength(name) > bytesMax) {
    throw refused(`the length of a privilege group name ${name} must be less than ${bytesMax} characters`)
  }
  if (!/^[A-Za-z_]/.test(name)) {
    throw refused(`the first character of a privilege group name ${name} must be an underscore or letter`)
  }
  if (!/^[A-Za-z0-9_]+$/.test(name)) {
    throw refused(`privilege group name ${name} can only contain numbers, letters and underscores`)
  }
}
