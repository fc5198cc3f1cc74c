import { hash32 } from '@locktender/kube'

/** What members a process shares the keys with, itself included; sorted. It claims the keys that fall to it there. */
export type View = readonly string[]

/**
 * Who of `members` a key falls to: the one whose hash together with the key is the highest (rendezvous hashing), so a
 * member that comes or goes moves only the keys it gets or had. Undefined without members.
 */
export function ownerOf(key: string, members: View): string | undefined {
  const keyHash = hash32(key)
  let owner: string | undefined
  let highest = -1
  for (const member of members) {
    const weight = mixed(Math.imul(keyHash, 0x9e3779b1) ^ hash32(member))
    if (weight > highest || (weight === highest && member < owner!)) {
      owner = member
      highest = weight
    }
  }
  return owner
}

/** What decides which keys a process may work on. */
export interface ShardState {
  readonly identity: string
  /** What this process has published before it looked at the others; several while it is not sure which is stored. */
  readonly published: readonly View[]
  /** Who lives, as it sees it now. */
  readonly wanted: View
  /** What the other living ones have published. */
  readonly others: readonly View[]
  /** Who published each of `others`. */
  readonly otherNames: readonly string[]
}

/**
 * Whether this process may work on `key`: it has published the claim, does not mean to give it up, and nobody else who
 * lives had a claim when it looked after publishing. Of two that claim a key, the later one sees the claim of the
 * earlier and waits until it is withdrawn; whoever withdraws a claim has stopped working on the key before.
 */
export function mayWork(key: string, state: ShardState): boolean {
  const { identity, published, wanted, others, otherNames } = state
  if (![...published, wanted].every((view) => ownerOf(key, view) === identity)) return false
  return !others.some((view, index) => ownerOf(key, view) === otherNames[index])
}

export function sameView(left: View, right: View): boolean {
  return left.length === right.length && left.every((member, index) => member === right[index])
}

/** The end of MurmurHash3: each bit of the input moves each bit of the result. */
function mixed(value: number): number {
  let hash = value >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
