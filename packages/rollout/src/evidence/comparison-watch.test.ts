import { describe, expect, test } from 'vitest'
import { ComparisonWatch, type Comparable, type Subject } from './comparison-watch.ts'

const HOUR = 3_600_000
const well: Comparable = {
  stage: 'first',
  stratum: 's',
  exposedAt: undefined,
  illAt: undefined,
  wellAt: undefined,
}
type Entry = readonly [string, Comparable | undefined]

function watch(...steps: readonly { readonly at: number; readonly entries: readonly Entry[] }[]): ComparisonWatch {
  const made = new ComparisonWatch(0)
  const subjects = new Map<string, Subject>()
  const subjectOf = (id: string) => {
    const subject = subjects.get(id) ?? { id, compared: undefined }
    subjects.set(id, subject)
    return subject
  }
  const take = (entries: readonly Entry[], at: number) =>
    made.take(
      entries.map(([id]) => subjectOf(id)),
      ({ id }) => new Map(entries).get(id),
      at,
    )
  take(
    Array.from({ length: 20 }, (_, index) => [`t${index}`, well] as const),
    0,
  )
  for (const { at, entries } of steps) take(entries, at)
  return made
}

describe('treated against untreated', () => {
  const entries: Entry[] = [
    ['t0', { ...well, exposedAt: HOUR }],
    ['t1', { ...well, illAt: HOUR }],
    ['t2', { ...well, exposedAt: HOUR, illAt: 1.5 * HOUR }],
    ['t3', { ...well, illAt: 2 * HOUR }],
    ['t4', undefined],
    ['new', { ...well, illAt: 1.2 * HOUR }],
  ]

  test('what is heard of together counts by when it happened, whoever is heard of first', () => {
    const forward = watch({ at: 2 * HOUR, entries })
    const backward = watch({ at: 2 * HOUR, entries: entries.toReversed() })
    expect(backward.compare(5 * HOUR)).toEqual(forward.compare(5 * HOUR))
    expect(backward.background(5 * HOUR)('s')).toBe(forward.background(5 * HOUR)('s'))
    // One fell ill just as the first was treated, which is with the change about; the three others after that.
    expect(forward.compare(5 * HOUR)).toMatchObject({ onsets: 4, exposedOnsets: 1 })
  })

  test('what is heard of late counts from when it happened', () => {
    const soon = watch(
      { at: HOUR, entries: [['t0', { ...well, exposedAt: HOUR }]] },
      { at: 2 * HOUR, entries: [['t1', { ...well, illAt: 2 * HOUR }]] },
      { at: 3 * HOUR, entries: [['t1', { ...well, wellAt: 3 * HOUR }]] },
    )
    const late = watch(
      { at: 4 * HOUR, entries: [['t0', { ...well, exposedAt: HOUR }]] },
      { at: 4 * HOUR, entries: [['t1', { ...well, illAt: 2 * HOUR }]] },
      { at: 4 * HOUR, entries: [['t1', { ...well, wellAt: 3 * HOUR }]] },
    )
    expect(late.compare(9 * HOUR)).toEqual(soon.compare(9 * HOUR))
    expect(late.background(9 * HOUR)('s')).toBe(soon.background(9 * HOUR)('s'))
  })
})

describe('how often targets fall ill by themselves', () => {
  test('is what the untreated show, and about once in 1,000 hours where they show nothing yet', () => {
    expect(watch().background(0)('s')).toBeCloseTo(1 / 1000, 6)
    expect(watch().background(1000 * HOUR)('s')).toBeLessThan(1 / 10_000)
    const ill = Array.from({ length: 10 }, (_, index): Entry => [`t${index}`, { ...well, illAt: 50 * HOUR }])
    const many = watch({ at: 50 * HOUR, entries: ill })
    const [here, elsewhere] = ['s', 'elsewhere'].map((stratum) => many.background(100 * HOUR)(stratum))
    // 10 onsets in 10 × 100 + 10 × 50 healthy hours; another stratum is taken to be like the fleet.
    expect(here).toBeCloseTo(10 / 1500, 3)
    expect(elsewhere).toBeCloseTo(10.5 / 2000, 4)
  })

  test('is not what treated ones show', () => {
    const treated = Array.from({ length: 10 }, (_, index): Entry => [
      `t${index}`,
      { ...well, exposedAt: HOUR, illAt: 2 * HOUR },
    ])
    expect(watch({ at: 2 * HOUR, entries: treated }).background(100 * HOUR)('s')).toBeLessThan(1 / 1000)
  })
})

test('those that stand alike share a place: a fleet in which nothing happens is counted, not listed', () => {
  const made = new ComparisonWatch(0)
  const subjects = Array.from({ length: 1000 }, (_, index): Subject => ({ id: `t${index}`, compared: undefined }))
  made.take(subjects, ({ id }) => ({ ...well, stratum: `s${id.at(-1)}` }), HOUR)
  expect(new Set(subjects.map(({ compared }) => compared)).size).toBe(10)
})

test('who is somewhere else when it is heard of again left where it was', () => {
  const moves = watch({ at: HOUR, entries: [['t0', { ...well, stratum: 'other' }]] })
  const untreated = (stratum: string) => 0.5 / moves.background(21 * HOUR)(stratum)
  const fleet = 0.5 / (0.5 / (500 + 20 * 21))
  // Healthy hours: 19 targets for 21 hours and one for one; the other is elsewhere for 20.
  expect(untreated('s') - fleet).toBeCloseTo(19 * 21 + 1, 6)
  expect(untreated('other') - fleet).toBeCloseTo(20, 6)
  const ill = watch({ at: HOUR, entries: [['t0', { ...well, stratum: 'other', illAt: HOUR }]] })
  expect(0.5 / ill.background(21 * HOUR)('s')).toBeCloseTo(500 + 2 * (19 * 21 + 1), 6)
})
