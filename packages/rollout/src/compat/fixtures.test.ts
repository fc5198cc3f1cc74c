import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readOcmCases, type OcmCases } from './case-file.ts'
import { checkOcmCases } from './check-cases.ts'
import { COMPATIBLE, STRICT } from './quirks.ts'

const file = new URL('../../../../../shared/fixtures/ocm-rollout/cases.json', import.meta.url)
const present = existsSync(file)
const nothing: OcmCases = { cases: [], units: [], malformed: [] }

describe.skipIf(!present)('cases of the upstream engine (skipped where ../shared/fixtures is absent)', () => {
  const all = present ? readOcmCases(readFileSync(file, 'utf8'), 'cases.json') : nothing
  const kindOf = (kind: string) => all.cases.filter((known) => known.kind === kind)

  test('are read whole', () => {
    expect(all.malformed).toEqual([])
    expect(all.cases.filter(({ kind }) => kind === undefined)).toHaveLength(37)
    expect(all.cases.filter(({ kind }) => kind !== undefined)).toHaveLength(44)
    expect(all.units).toHaveLength(79)
  })

  test('agree in compatible mode', () => {
    const { passed, mismatches } = checkOcmCases(all, COMPATIBLE)
    expect(mismatches).toEqual([])
    expect(passed).toBe(37 + 44 + 79)
  })

  test('of kind quirk are answered otherwise in strict mode, each for a named quirk', () => {
    const { mismatches, mended } = checkOcmCases({ ...nothing, cases: kindOf('quirk') }, STRICT)
    expect(mismatches).toEqual([])
    expect(Object.fromEntries(mended.map(({ id, quirks }) => [id, quirks]))).toEqual({
      'edge-01': ['budgetAboveFleetIsZero'],
      'edge-03': ['budgetAboveGroupIsZero'],
      'edge-04': ['timeoutElsewhereHoldsGate'],
      'edge-06': ['runningElsewhereHoldsGate'],
      'edge-08': ['soakElsewhereHoldsGate'],
      'edge-09': ['failuresCancelRunning'],
      'edge-11': ['breachInNameOrder'],
      'edge-12': ['fullListHidesFailures', 'fullListHidesRunning'],
      'edge-13': ['fullListHidesTimeouts'],
      'edge-14': ['timeoutHandedInPassesGate'],
      'edge-15': ['unknownMandatoryGroupIgnored'],
      'edge-19': ['gapLosesGroups'],
      'edge-21': ['soakWithoutTimeNeverEnds'],
      'edge-22': ['deadlineWithoutTimeNeverComes'],
      'edge-25': ['failedWithoutDeadlineKeepsSlot'],
      'edge-33': ['laterGroupHoldsEarlier'],
      'edge-34': ['compoundDeadlineAccepted'],
    })
  })

  test('of kind rule and error are answered the same in strict mode, but for a maxConcurrency of 0', () => {
    const { mismatches, mended } = checkOcmCases({ ...nothing, cases: [...kindOf('rule'), ...kindOf('error')] }, STRICT)
    expect(mismatches).toEqual([])
    expect(mended.map(({ id, quirks }) => [id, quirks])).toEqual([['edge-28', ['zeroConcurrencyIsAll']]])
  })
})
