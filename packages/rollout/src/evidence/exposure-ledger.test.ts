import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HealthyTime } from './exposure-cells.ts'
import { ExposureLedger, type ExposureEvent } from './exposure-ledger.ts'

const HOUR = 3_600_000
const STRATA = ['4.19/AWS', '4.20/Azure']
const CHANGES = ['fix-a', 'fix-b', 'fix-c']
const START = 1_790_000_000_000

const anything: fc.Arbitrary<ExposureEvent> = fc.record({
  type: fc.constantFrom('enter', 'leave', 'start', 'start', 'end', 'onset', 'onset', 'recovery'),
  target: fc.nat(7).map((index) => `cp-${index}`),
  change: fc.constantFrom(...CHANGES),
  signature: fc.constantFrom('Degraded', 'Unavailable'),
  stage: fc.constantFrom('stage', 'production'),
  stratum: fc.constantFrom(...STRATA),
  at: fc.nat(50_000_000),
}) as fc.Arbitrary<ExposureEvent>

const history = fc
  .array(anything, { maxLength: 120 })
  .map((events) =>
    [...events].sort((one, other) => one.at - other.at).map((event) => ({ ...event, at: START + event.at })),
  )

/** A stretch of healthy time of one target, or an onset at its end. */
interface Piece {
  readonly stage: string
  readonly stratum: string
  readonly changes: readonly string[]
  readonly from: number
  readonly until: number
  readonly signature?: string
}

/** Everything that happened, written down in full. */
function pieces(events: readonly ExposureEvent[], now: number): { all: Piece[]; first: Map<string, number> } {
  const all: Piece[] = []
  const first = new Map<string, number>()
  const targets = new Map<
    string,
    { stage: string; stratum: string; changes: Set<string>; healthy: boolean; since: number }
  >()
  const close = (target: string, at: number, signature?: string) => {
    const place = targets.get(target)
    if (!place) return
    if (place.healthy) {
      const { stage, stratum, since } = place
      all.push({
        stage,
        stratum,
        changes: [...place.changes],
        from: since,
        until: at,
        ...(signature === undefined ? {} : { signature }),
      })
    }
    place.since = at
  }
  for (const event of events) {
    const place = targets.get(event.target)
    if (event.type === 'enter') {
      close(event.target, event.at)
      targets.set(event.target, { ...event, changes: new Set(), healthy: true, since: event.at })
    }
    if (!place) continue
    switch (event.type) {
      case 'start':
        close(event.target, event.at)
        place.changes.add(event.change)
        if (!first.has(`${event.change} ${place.stratum}`)) first.set(`${event.change} ${place.stratum}`, event.at)
        break
      case 'end':
        close(event.target, event.at)
        place.changes.delete(event.change)
        break
      case 'onset':
        if (place.healthy) close(event.target, event.at, event.signature)
        place.healthy = false
        break
      case 'recovery':
        close(event.target, event.at)
        place.healthy = true
        break
      case 'leave':
        close(event.target, event.at)
        targets.delete(event.target)
    }
  }
  for (const target of targets.keys()) close(target, now)
  return { all, first }
}

/** `wasThere` of an onset: those before the baseline do not count; at its very moment the order of events decides. */
function sum(some: readonly Piece[], since = 0, signature?: string): HealthyTime {
  let ms = 0
  let onsets = 0
  for (const piece of some) {
    ms += Math.max(0, piece.until - Math.max(since, piece.from))
    if (piece.signature !== undefined && piece.until >= since && (signature ?? piece.signature) === piece.signature)
      onsets++
  }
  return { ms, onsets }
}

describe('ExposureLedger', () => {
  test('earns for each change, stratum and stage exactly what a full account of every target adds up to', () => {
    fc.assert(
      fc.property(history, (events) => {
        const now = START + 60_000_000
        const ledger = new ExposureLedger(START)
        for (const event of events) ledger.apply(event)
        const { all } = pieces(events, now)
        for (const change of CHANGES) {
          expect(ledger.total(change, now)).toEqual(sum(all.filter(({ changes }) => changes.includes(change))))
          for (const credit of ledger.credit(change, now)) {
            const mine = all.filter((piece) => piece.stratum === credit.stratum && piece.changes.includes(change))
            expect({ ms: credit.ms, onsets: credit.onsets }).toEqual(sum(mine))
            for (const [stage, exposure] of Object.entries(credit.byStage)) {
              expect(exposure).toEqual(sum(mine.filter((piece) => piece.stage === stage)))
            }
          }
        }
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('holds targets with a change against those without since the first got it, and two changes against each other', () => {
    // At one moment several things may happen; keep them apart so that "since" is the same for both accounts.
    const spaced = history.map((events) => events.map((event, index) => ({ ...event, at: event.at + index })))
    fc.assert(
      fc.property(spaced, fc.constantFrom(undefined, 'Degraded'), (events, signature) => {
        const now = START + 60_000_000
        const ledger = new ExposureLedger(START)
        for (const event of events) ledger.apply(event)
        const { all, first } = pieces(events, now)
        for (const { stratum, exposed, unexposed } of ledger.contrast('fix-a', now, signature)) {
          const since = first.get(`fix-a ${stratum}`)
          const here = all.filter((piece) => piece.stratum === stratum)
          const has = (piece: Piece) => piece.changes.includes('fix-a')
          expect(exposed).toEqual(sum(here.filter(has), since, signature))
          expect(unexposed).toEqual(
            sum(
              here.filter((piece) => !has(piece)),
              since,
              signature,
            ),
          )
        }
        for (const table of ledger.overlap('fix-a', 'fix-b', now, signature)) {
          const starts = ['fix-a', 'fix-b'].map((change) => first.get(`${change} ${table.stratum}`) ?? Infinity)
          const group = (a: boolean, b: boolean) =>
            sum(
              all.filter(
                ({ stratum, changes }) =>
                  stratum === table.stratum && changes.includes('fix-a') === a && changes.includes('fix-b') === b,
              ),
              Math.min(...starts),
              signature,
            )
          expect(table.neither).toEqual(group(false, false))
          expect(table.left).toEqual(group(true, false))
          expect(table.right).toEqual(group(false, true))
          expect(table.both).toEqual(group(true, true))
        }
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('targets may be reported in any order: only the order of what happens to one matters', () => {
    fc.assert(
      fc.property(history, (events) => {
        const byTarget = [...events].sort((one, other) =>
          one.target < other.target ? -1 : one.target > other.target ? 1 : 0,
        )
        const inTime = new ExposureLedger(START)
        const grouped = new ExposureLedger(START)
        for (const event of events) inTime.apply(event)
        for (const event of byTarget) grouped.apply(event)
        for (const change of CHANGES) {
          const now = START + 60_000_000
          const exact = ({ stratum, ms, onsets }: { stratum: string; ms: number; onsets: number }) => [
            stratum,
            ms,
            onsets,
          ]
          expect(grouped.credit(change, now).map(exact)).toEqual(inTime.credit(change, now).map(exact))
        }
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  test('what is known of other changes stays as it is when one is forgotten', () => {
    fc.assert(
      fc.property(history, fc.nat(120), (events, when) => {
        const now = START + 60_000_000
        const whole = new ExposureLedger(START)
        const forgetful = new ExposureLedger(START)
        for (const [index, event] of events.entries()) {
          whole.apply(event)
          if (index === when) forgetful.forget('fix-c', event.at)
          if (index < when || event.type !== 'start' || event.change !== 'fix-c') forgetful.apply(event)
        }
        forgetful.forget('fix-c', now)
        const known = (ledger: ExposureLedger) => [
          ledger.credit('fix-a', now),
          ledger.contrast('fix-a', now),
          ledger.contrast('fix-b', now, 'Degraded'),
          ledger.overlap('fix-a', 'fix-b', now, 'Degraded'),
        ]
        expect(known(forgetful)).toEqual(known(whole))
        expect(forgetful.credit('fix-c', now)).toEqual([])
        expect(forgetful.contrast('fix-c', now)).toEqual([])
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('integration earns for production: 3,000 clean hours bound the rate to one in a thousand', () => {
    const ledger = new ExposureLedger(START)
    for (let index = 0; index < 50; index++) {
      const target = `cp-${index}`
      ledger.apply({ type: 'enter', target, stage: index < 25 ? 'integration' : 'stage', stratum: 's', at: START })
      ledger.apply({ type: 'start', target, change: 'fix', at: START })
    }
    const [credit] = ledger.credit('fix', START + 60 * HOUR)
    expect(credit).toMatchObject({ ms: 3000 * HOUR, onsets: 0, byStage: { stage: { ms: 1500 * HOUR } } })
    expect(credit?.atMostPerHour).toBeCloseTo(0.001, 5)
  })

  test('who left or was never known is in nothing; a time that goes back counts as the last one', () => {
    const ledger = new ExposureLedger(START)
    ledger.apply({ type: 'start', target: 'unknown', change: 'fix', at: START })
    ledger.apply({ type: 'enter', target: 'cp', stage: 'p', stratum: 's', at: START })
    ledger.apply({ type: 'start', target: 'cp', change: 'fix', at: START + 10 })
    ledger.apply({ type: 'leave', target: 'cp', at: START + 5 })
    ledger.apply({ type: 'recovery', target: 'cp', at: START + 50 })
    expect(ledger.credit('fix', START + 99)).toMatchObject([{ ms: 0, atMostPerHour: Infinity }])
    expect(ledger.credit('other', START + 99)).toEqual([])
  })
})
