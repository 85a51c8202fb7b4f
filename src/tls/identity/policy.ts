/** What a user must show: the client certificate that maps to it, its password, or both. */
export const PROOFS_WANTED = ['certificate', 'password', 'both'] as const
export type ProofWanted = (typeof PROOFS_WANTED)[number]

/** `redkite.identity.policy`. */
export interface IdentityPolicy {
  readonly byUser: Readonly<Record<string, ProofWanted>>
  /** What holds for users that are not named (`*`). */
  readonly others: ProofWanted
}

/** A password, as without certificates: a mapping alone takes no password away. */
export const PASSWORD_ONLY: IdentityPolicy = Object.freeze({ byUser: Object.freeze({}), others: 'password' })

/** What this user must show. */
export function proofWanted(policy: IdentityPolicy, user: string): ProofWanted {
  return (Object.hasOwn(policy.byUser, user) ? policy.byUser[user] : undefined) ?? policy.others
}

/** Whether anybody needs a certificate. */
export function wantsCertificates(policy: IdentityPolicy): boolean {
  return [policy.others, ...Object.values(policy.byUser)].some((wanted) => wanted !== 'password')
}

/**
 * Reads `writer=certificate, ops=both, *=password`; what `*` does not say is `password`.
 * @throws Error that names the entry and the remedy
 */
export function parsePolicy(entries: readonly string[]): IdentityPolicy {
  const byUser: Record<string, ProofWanted> = {}
  let others: ProofWanted | null = null
  for (const entry of entries) {
    const [user = '', word = '', ...more] = entry.split('=').map((part) => part.trim())
    const wanted = PROOFS_WANTED.find((known) => known === word.toLowerCase())
    if (user === '' || wanted === undefined || more.length > 0) {
      throw new Error(`${JSON.stringify(entry)}: write <user>=${PROOFS_WANTED.join('|')}, or *=… for everybody else`)
    }
    if (user === '*' ? others !== null : Object.hasOwn(byUser, user)) throw new Error(`${user} stands there twice`)
    if (user === '*') others = wanted
    else if (/^[A-Za-z][A-Za-z0-9_.-]*$/.test(user)) byUser[user] = wanted
    else throw new Error(`${JSON.stringify(user)} is no user name`)
  }
  return { byUser, others: others ?? 'password' }
}
