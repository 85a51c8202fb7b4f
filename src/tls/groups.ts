import { createSecureContext } from 'node:tls'

/** A key-exchange group: OpenSSL's name and its code point (IANA "TLS Supported Groups"). */
export interface Group {
  readonly name: string
  readonly id: number
  /** Post-quantum and classical together (ML-KEM of FIPS 203 with an elliptic curve); exists from TLS 1.3 on. */
  readonly isHybrid: boolean
  /** Other names it may be called by in the configuration, lower case. */
  readonly aliases: readonly string[]
}

function group(name: string, id: number, isHybrid: boolean, ...aliases: string[]): Group {
  return { name, id, isHybrid, aliases }
}

/** Every group that may be configured. Finite fields are left out: they need parameters and are slower than any curve. */
export const GROUPS: readonly Group[] = [
  group('X25519MLKEM768', 0x11ec, true),
  group('SecP256r1MLKEM768', 0x11eb, true),
  group('SecP384r1MLKEM1024', 0x11ed, true),
  group('X25519', 0x001d, false),
  group('P-256', 0x0017, false, 'secp256r1', 'prime256v1'),
  group('P-384', 0x0018, false, 'secp384r1'),
  group('P-521', 0x0019, false, 'secp521r1'),
  group('X448', 0x001e, false),
]

/** Finds a group by a name of the configuration, whatever its case; null = none that is served. */
export function findGroup(name: string): Group | null {
  const wanted = name.toLowerCase()
  return GROUPS.find(({ name: own, aliases }) => own.toLowerCase() === wanted || aliases.includes(wanted)) ?? null
}

export function isHybrid(name: string): boolean {
  return findGroup(name)?.isHybrid ?? false
}

/** Whether this Node's OpenSSL has the group: Node 24.0 to 24.4 carry one without hybrids, and refuse a whole list for one name. */
export function isAvailable(name: string): boolean {
  const known = available.get(name)
  if (known !== undefined) return known
  let answer = true
  try {
    createSecureContext({ ecdhCurve: name })
  } catch {
    answer = false
  }
  available.set(name, answer)
  return answer
}

const available = new Map<string, boolean>()

/**
 * The list as OpenSSL reads it (SSL_CTX_set1_groups_list of 3.5). Hybrids and classical groups are two tuples, parted by
 * `/`: in one flat list a server takes whatever key share the client happened to send, so that a client which knows a
 * hybrid and guessed X25519 is never asked for the hybrid (measured: OpenSSL 3.5.8). Between tuples our order is strict;
 * within one, a key share that is there saves the round trip.
 */
export function groupList(names: readonly string[]): string {
  const [hybrid, classical] = tuples(names)
  return [hybrid, classical]
    .filter((tuple) => tuple.length > 0)
    .map((tuple) => tuple.join(':'))
    .join('/')
}

/** Hybrids, then classical groups, each in our order. */
function tuples(names: readonly string[]): readonly [readonly string[], readonly string[]] {
  return [names.filter((name) => isHybrid(name)), names.filter((name) => !isHybrid(name))]
}

/** What a client offers for the key exchange, by code point. */
export interface GroupOffer {
  /** In `supported_groups`. */
  readonly groups: readonly number[]
  /** With a share in `key_share`: TLS 1.3. */
  readonly keyShares: readonly number[]
}

/**
 * The group that OpenSSL 3.5 chooses as a server with our order of preference; '' where that is not sure. Node tells it
 * on the client's side only. TLS 1.3 (RFC 8446 4.2.8): the first tuple that has anything in common; in it the first of
 * ours with a key share, else the first in common by HelloRetryRequest. TLS 1.2 (RFC 8422): the first classical one.
 * @param isResumed a TLS 1.2 resumption exchanges no keys
 */
export function negotiatedGroup(
  ours: readonly string[],
  offer: GroupOffer,
  version: string,
  isResumed: boolean,
): string {
  const known = ours.flatMap((name) => findGroup(name) ?? [])
  const common = known.filter(({ id }) => offer.groups.includes(id))
  if (version === 'TLSv1.2') return isResumed ? '' : (common.find((one) => !one.isHybrid)?.name ?? '')
  if (version !== 'TLSv1.3') return ''
  const hybrids = common.filter((one) => one.isHybrid)
  const tuple = hybrids.length > 0 ? hybrids : common
  return (tuple.find(({ id }) => offer.keyShares.includes(id)) ?? tuple[0])?.name ?? ''
}

/** Whether hybrids are all we take and the client offers none of them: then that is why no group was found. */
export function offersNoHybrid(ours: readonly string[], offer: GroupOffer): boolean {
  const known = ours.flatMap((name) => findGroup(name) ?? [])
  return known.every((one) => one.isHybrid) && !known.some(({ id }) => offer.groups.includes(id))
}
