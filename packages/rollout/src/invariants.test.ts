import fc from 'fast-check'
import { expect, test } from 'vitest'
import { liveThrough, type Tally } from './invariants/live-through.test-support.ts'
import { story } from './invariants/story.test-support.ts'

/** The same as invariants.long.test.ts, with as many stories as a few seconds are enough for. */
test('in every story all invariants hold at every step', () => {
  const tally: Tally = new Map()
  fc.assert(
    fc.property(story, (each) => liveThrough(each, tally)),
    { seed: 4, numRuns: 300, interruptAfterTimeLimit: 50_000, markInterruptAsFailure: true },
  )
  expect(tally.get('Completed')).toBeGreaterThan(100)
  expect(tally.get('Reverted')).toBeGreaterThan(40)
  expect(tally.get('quiet')).toBeGreaterThan(20)
})
