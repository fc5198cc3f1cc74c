import fc from 'fast-check'
import { expect, test } from 'vitest'
import { liveThrough, type Tally } from './invariants/live-through.test-support.ts'
import { story } from './invariants/story.test-support.ts'

const tally: Tally = new Map()

/** A failure says its seed and path, and the smallest story that fails. */
test.each(Array.from({ length: 10 }, (_, index) => index + 1))(
  'in 1,000 stories (seed %i) all invariants hold at every step',
  (seed) => {
    let lived = 0
    fc.assert(
      fc.property(story, (each) => {
        liveThrough(each, tally)
        lived++
      }),
      { seed, numRuns: 1000 },
    )
    expect(lived).toBe(1000)
  },
  600_000,
)

/** Of so much there is at least in 10,000 stories. */
const LEAST: readonly [string, number][] = [
  ['quiet', 600],
  ['planned', 350],
  ['Completed', 4000],
  ['Reverted', 2000],
  ['Halted', 500],
  ['Aborted', 200],
  ['Paused', 10],
  ['SequentialTest', 1000],
  ['StratumSequentialTest', 20],
  ['RateRatio', 10],
  ['FailureBudget', 500],
  ['Signal', 100],
  ['ContinuousSignal', 50],
  ['Operator', 100],
  ['open-wave', 20_000],
  ['close-wave', 15_000],
  ['apply', 50_000],
  ['revert', 15_000],
  ['skip', 100],
  ['retry', 100],
]

test('these stories have seen everything that can happen', () => {
  const seen = LEAST.map(([what, times]) => ({ what, times, seen: tally.get(what) ?? 0 }))
  expect(seen.filter(({ times, seen }) => seen < times)).toEqual([])
})
