/** A source of random numbers. Production uses the system's, simulations a seeded one. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
}

/** Mulberry32: a small generator with a 32-bit state; good enough for jitter and simulation, never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
    },
  }
}

/** FNV-1a over UTF-16 code units, 32 bits: a stable hash for seeds and for placing targets in waves. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
  }
  return hash
}

/** An independent generator for each `name`, so that adding one consumer does not shift the numbers of another. */
export function forkRandom(seed: number, name: string): Random {
  return seededRandom((seed ^ hash32(name)) >>> 0)
}

/** A version 4 UUID from `random`. */
export function randomUuid(random: Random): string {
  let text = ''
  for (let index = 0; index < 32; index++) {
    const nibble = Math.floor(random.next() * 16)
    if (index === 8 || index === 12 || index === 16 || index === 20) text += '-'
    text += (index === 12 ? 4 : index === 16 ? 8 | (nibble & 3) : nibble).toString(16)
  }
  return text
}

/** Two independent FNV-like lanes over UTF-16 code units, 52 bits: for telling contents apart, never for secrets. */
export function hash52(text: string): number {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x85ebca6b)
    high ^= high >>> 15
  }
  low = Math.imul(low ^ (high >>> 13), 0xc2b2ae35)
  high = Math.imul(high ^ (low >>> 16), 0x01000193)
  return (high & 0xfffff) * 0x1_0000_0000 + (low >>> 0)
}
