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
