import type { Random } from '../random.ts'

/** The random numbers of the JavaScript engine: for spreading load, never for secrets. */
export function systemRandom(): Random {
  return { next: () => Math.random() }
}
