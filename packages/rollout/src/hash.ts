/**
 * A 32-bit number for `id`, evenly spread and independent for each `seed`: the random order of a stratum. FNV-1a over
 * UTF-16 code units, then the finalizer of MurmurHash3 so that ids that differ in their last character are far apart.
 */
export function seededHash(seed: number, id: string): number {
  let hash = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)) >>> 0
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
