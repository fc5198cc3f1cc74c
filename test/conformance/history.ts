import type { T } from './case.ts'
import { configMap } from './fixtures.ts'

/** Enough for servers that are told to forget soon; others keep minutes of history. */
const WRITES = 2_000
/** Writes between two looks. */
const BATCH = 100

/** Writes until the server has forgotten what was when this was called; skips the case when it does not forget. */
export async function exhaustHistory(t: T, isForgotten: () => Promise<boolean>): Promise<void> {
  for (let written = 0; written < WRITES; written += BATCH) {
    const numbers = Array.from({ length: BATCH }, (_, index) => written + index)
    // Different keys, so that none of the writes is a change of nothing and none has to be repeated.
    await Promise.all(numbers.map(async (number) => (await t.post(t.CM, configMap(`noise-${number}`))).is(201)))
    if (await isForgotten()) return
  }
  t.skip(`the server still remembers what was ${WRITES} writes ago`)
}
