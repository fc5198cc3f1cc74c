import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseCanaries, type CanaryCandidate } from './canaries.ts'
import { pairsOf } from './coverage.ts'

const candidate = (id: string, stratum: string, change: Partial<CanaryCandidate> = {}): CanaryCandidate => ({
  id,
  stage: 'production',
  stratum,
  shard: 'mc',
  customer: id,
  ...change,
})
const options = { seed: 1 }

describe('chooseCanaries', () => {
  test('one of each cell before a second of any', () => {
    const candidates = ['a', 'a', 'a', 'a', 'b', 'b', 'c'].map((cell, index) => candidate(`${cell}${index}`, cell))
    const { chosen, coverage } = chooseCanaries(candidates, 5, options)
    expect(chosen.slice(0, 3).map((id) => id[0])).toEqual(['a', 'b', 'c'])
    expect(chosen.slice(3).map((id) => id[0])).toEqual(['a', 'b'])
    expect(coverage).toMatchObject({
      cells: 3,
      coveredCells: 3,
      coveredShare: 1,
      pairs: 3,
      coveredPairs: 3,
      uncovered: [],
    })
    expect(coverage.missed(1)).toBe(0)
    expect(coverage.missed(0.5)).toBeCloseTo((4 / 7) * 0.25 + (2 / 7) * 0.25 + (1 / 7) * 0.5)
    expect(coverage.missedAtRandom(1)).toBeCloseTo(
      (4 / 7) * (3 / 7) ** 5 + (2 / 7) * (5 / 7) ** 5 + (1 / 7) * (6 / 7) ** 5,
    )
  })

  test('with more cells than canaries, most pairs of values first', () => {
    const values = [
      ['4.20', '4.21', '4.22'],
      ['AWS', 'Azure', 'GCP'],
      ['amd64', 'arm64', 's390x'],
    ] as const
    const candidates = values[0].flatMap((line) =>
      values[1].flatMap((platform) =>
        values[2].map((arch) => candidate(`${line}${platform}${arch}`, `${line}/${platform}/${arch}`)),
      ),
    )
    const { coverage } = chooseCanaries(candidates, 9, options)
    // Nine canaries can have all 27 pairs; choosing one after the other comes near. Nine at random have 18 on average.
    expect(coverage).toMatchObject({ cells: 27, coveredCells: 9, pairs: 27, coveredPairs: 25 })
    expect(coverage.coveredShare).toBeCloseTo(9 / 27)
    expect(coverage.uncovered).toHaveLength(18)
    expect(coverage.missed(1)).toBeCloseTo(18 / 27)
  })

  test('never the highest tier, unless there is no other', () => {
    const candidates = [candidate('gold', 'a', { tier: 2 }), candidate('iron', 'b', { tier: 1 }), candidate('tin', 'c')]
    const { chosen, coverage, keptOut } = chooseCanaries(candidates, 3, options)
    expect([...chosen].sort()).toEqual(['iron', 'tin'])
    expect(coverage.uncovered).toEqual([{ name: 'a', share: 1 / 3 }])
    expect(keptOut.HighestTier).toBe(1)
    expect(chooseCanaries(candidates.slice(0, 1), 1, options).chosen).toEqual(['gold'])
  })

  test('a customer gives at most max(1, 20 %)', () => {
    const candidates = Array.from({ length: 15 }, (_, index) =>
      candidate(`big${index}`, `s${index}`, { customer: 'big' }),
    )
    candidates.push(candidate('small', 's0', { customer: 'small' }))
    const { chosen, keptOut } = chooseCanaries(candidates, 10, options)
    expect(chosen.filter((id) => id.startsWith('big'))).toHaveLength(3)
    expect(chosen).toContain('small')
    expect(keptOut.Customer).toBeGreaterThan(0)
  })

  test('never two of a pair, never the exempt', () => {
    const candidates = [
      candidate('one', 'a', { pair: 'p' }),
      candidate('two', 'b', { pair: 'p' }),
      candidate('three', 'c'),
    ]
    const { chosen, keptOut } = chooseCanaries(candidates, 3, { ...options, exempt: new Set(['three']) })
    expect(chosen).toHaveLength(1)
    expect(keptOut).toEqual({ Exempt: 1, HighestTier: 0, Customer: 0, Pair: 1 })
  })

  test('no candidates, no canaries', () => {
    const { chosen, coverage } = chooseCanaries([], 5, options)
    expect(chosen).toEqual([])
    expect(coverage).toMatchObject({ cells: 0, coveredCells: 0, coveredShare: 0 })
    expect(coverage.missed(1)).toBe(0)
  })

  const fleets = fc
    .array(
      fc.record({
        stratum: fc
          .tuple(fc.constantFrom('1', '2', '3'), fc.constantFrom('x', 'y'), fc.constantFrom('m', 'n'))
          .map((parts) => parts.join('/')),
        customer: fc.constantFrom('big', 'middle', 'small'),
        tier: fc.integer({ min: 0, max: 2 }),
        pair: fc.constantFrom(undefined, undefined, 'p', 'q'),
      }),
      { minLength: 1, maxLength: 50 },
    )
    .map((items) =>
      items.map(({ pair, ...rest }, index) =>
        candidate(`cp-${index}`, rest.stratum, { ...rest, ...(pair ? { pair } : {}) }),
      ),
    )

  test('no rule is ever broken, and the order of listing does not matter', () => {
    fc.assert(
      fc.property(fleets, fc.integer({ min: 1, max: 20 }), fc.nat(), (candidates, count, seed) => {
        const choice = chooseCanaries(candidates, count, { seed })
        const canaries = choice.chosen.map((id) => candidates.find((each) => each.id === id) as CanaryCandidate)
        expect(canaries.length).toBeLessThanOrEqual(count)
        expect(new Set(choice.chosen).size).toBe(canaries.length)
        const pairs = canaries.flatMap(({ pair }) => pair ?? [])
        expect(new Set(pairs).size).toBe(pairs.length)
        const tiers = new Set(candidates.map(({ tier }) => tier))
        if (tiers.size > 1)
          expect(canaries.every(({ tier }) => tier !== Math.max(...Array.from(tiers, Number)))).toBe(true)
        for (const customer of ['big', 'middle', 'small']) {
          const all = candidates.filter((each) => each.customer === customer).length
          const mine = canaries.filter((each) => each.customer === customer).length
          expect(mine).toBeLessThanOrEqual(Math.max(1, Math.floor(all * 0.2)))
        }
        expect(new Set(canaries.map(({ stratum }) => stratum)).size).toBe(choice.coverage.coveredCells)
        expect(chooseCanaries([...candidates].reverse(), count, { seed }).chosen).toEqual(choice.chosen)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('with as many canaries as cells no flaw of a stratum is missed, where canaries at random miss some', () => {
    fc.assert(
      fc.property(fleets, fc.integer({ min: 12, max: 20 }), (fleet, count) => {
        const free = fleet.map(({ id, stratum }) => candidate(id, stratum))
        const { coverage } = chooseCanaries(free, count, options)
        expect(coverage.missed(1)).toBe(0)
        expect(coverage.missedAtRandom(1) > 0).toBe(coverage.cells > 1)
      }),
      { seed: 2, numRuns: 50 },
    )
  })
})

test('pairsOf names each pair of values once', () => {
  expect(pairsOf(['a', 'b', 'c'])).toEqual(['0=a|1=b', '0=a|2=c', '1=b|2=c'])
  expect(pairsOf(['a'])).toEqual(['0=a'])
})
