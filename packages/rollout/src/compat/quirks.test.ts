import { describe, expect, test } from 'vitest'
import { carryTimes, decideOcmRollout } from './decide.ts'
import { manifestWorkStatus } from './manifest-work.ts'
import { answerTo, ask, short } from './notation.test-support.ts'
import type { Question } from './questions.test-support.ts'
import { ALL_QUIRKS, COMPATIBLE, keeping, mending, STRICT, type Quirk } from './quirks.ts'

const canary = [{ groupName: 'canary' }]

interface QuirkCase {
  readonly quirk: Quirk
  readonly question: Question
  readonly compatible: string
  readonly strict: string
}

function quirkCase(quirk: Quirk, question: Question, compatible: string, strict: string): QuirkCase {
  return { quirk, question, compatible, strict }
}

const cases: readonly QuirkCase[] = [
  quirkCase(
    'budgetAboveFleetIsZero',
    ask('P', { maxFailures: 25, maxConcurrency: 2, progressDeadline: '90s' }, '0[c1 c2 c3 c4]', 'c1F-60'),
    'R c1F(30); breach; again 30',
    'R c1F(30) c2A; again 30',
  ),
  quirkCase(
    'budgetAboveGroupIsZero',
    ask('PG', { maxFailures: 3, progressDeadline: '60s' }, '0[c1 c2] 1[c3 c4 c5]', 'c1F-120 c2S-60'),
    'R –; T c1; breach',
    'R c3A c4A c5A; T c1',
  ),
  quirkCase(
    'timeoutElsewhereHoldsGate',
    ask(
      'P',
      { maxFailures: 1, maxConcurrency: 1, progressDeadline: '60s', mandatoryDecisionGroups: canary },
      '0=canary[c1] 1[c2 c3 c4]',
      'c1S-600 c2P-120',
    ),
    'R –; T c2',
    'R c3A; T c2',
  ),
  quirkCase(
    'runningElsewhereHoldsGate',
    ask('P', { maxConcurrency: 2, mandatoryDecisionGroups: canary }, '0=canary[c1] 1[c2 c3 c4]', 'c1S-600 c2P-10'),
    'R c2P',
    'R c2P c3A',
  ),
  quirkCase(
    'soakElsewhereHoldsGate',
    ask(
      'P',
      { maxConcurrency: 2, minSuccessTime: '60s', mandatoryDecisionGroups: canary },
      '0=canary[c1] 1[c2 c3 c4]',
      'c1S-600 c2S-10',
    ),
    'R c2S(50); again 50',
    'R c2S(50) c3A; again 50',
  ),
  quirkCase(
    'failuresCancelRunning',
    ask('PG', { maxFailures: 1, progressDeadline: '60s' }, '0[c1 c2] 1[c3]', 'c1P-90 c2P-10'),
    'R c2P(50) c3A; T c1; again 50',
    'R c2P(50); T c1; again 50',
  ),
  quirkCase(
    'breachInNameOrder',
    ask('P', { maxConcurrency: 3, progressDeadline: '60s' }, '0[c1 c2 c3]', 'c1A c2F-90'),
    'R c1A; T c2; breach',
    'R –; T c2; breach',
  ),
  quirkCase(
    'fullListHidesFailures',
    ask('P', { maxConcurrency: 1, progressDeadline: '60s' }, '0[c1 c2 c3]', 'c1P-10 c2T-90'),
    'R c1P(50); again 50',
    'R c1P(50); breach; again 50',
  ),
  quirkCase(
    'fullListHidesTimeouts',
    ask('P', { maxConcurrency: 1, maxFailures: 2, progressDeadline: '60s' }, '0[c1 c2 c3]', 'c1P-10 c2P-90'),
    'R c1P(50); again 50',
    'R c1P(50); T c2; again 50',
  ),
  quirkCase('fullListHidesRunning', ask('P', { maxConcurrency: 1 }, '0[c1 c2 c3]', 'c1A c2P-10'), 'R c1A', 'R c2P'),
  quirkCase(
    'timeoutHandedInPassesGate',
    ask('P', { maxFailures: '100%', mandatoryDecisionGroups: canary }, '0=canary[c1] 1[c2]', 'c1T-90'),
    'R c2A',
    'R –; breach',
  ),
  quirkCase(
    'unknownMandatoryGroupIgnored',
    ask('P', { maxConcurrency: 1, mandatoryDecisionGroups: [{ groupName: 'cannary' }] }, '0=canary[c2] 1[c1]', ''),
    'R c1A',
    'error mandatoryDecisionGroups',
  ),
  quirkCase('gapLosesGroups', ask('PG', {}, '0[c1] 2[c2]', 'c1S-60 c2P-10'), 'R –; X c2', 'R c2P'),
  quirkCase(
    'waitingNeverTimesOut',
    ask('P', { maxConcurrency: 1, maxFailures: 1, progressDeadline: '60s' }, '0[c1 c2]', 'c1A-90'),
    'R c1A',
    'R c2A; T c1',
  ),
  quirkCase(
    'failedWithoutDeadlineKeepsSlot',
    ask('P', { maxConcurrency: 1, maxFailures: 1 }, '0[c1 c2]', 'c1F-90'),
    'R c1F',
    'R c1F c2A',
  ),
  quirkCase('laterGroupHoldsEarlier', ask('PG', {}, '0[c1] 1[c2] 2[c3]', 'c1S-90 c3P-10'), 'R c3P', 'R c2A c3P'),
  quirkCase(
    'breachedGroupStillStarts',
    ask('PG', { progressDeadline: '60s' }, '0[c1 c2]', 'c1P-90'),
    'R c2A; T c1; breach',
    'R –; T c1; breach',
  ),
  quirkCase(
    'openGroupHidesBreach',
    ask('PG', { progressDeadline: '60s' }, '0[c1 c2] 1[c3]', 'c1S-600 c3P-90'),
    'R c2A; T c3',
    'R –; T c3; breach',
  ),
  quirkCase(
    'openGroupHidesBreach',
    ask(
      'P',
      { progressDeadline: '60s', mandatoryDecisionGroups: canary },
      '0=canary[c1 c2] 1[c3 c4]',
      'c1S-600 c3P-90',
    ),
    'R c2A; T c3',
    'R –; T c3; breach',
  ),
  quirkCase(
    'compoundDeadlineAccepted',
    ask('A', { progressDeadline: '1h30m' }, '0[c1]', ''),
    'R c1A',
    'error deadline',
  ),
  quirkCase('zeroConcurrencyIsAll', ask('P', { maxConcurrency: 0 }, '0[c1 c2]', ''), 'R c1A c2A', 'R –'),
  quirkCase(
    'mandatoryGroupIgnoresConcurrency',
    ask('P', { maxConcurrency: 1, mandatoryDecisionGroups: canary }, '0=canary[c1 c2 c3] 1[c4]', 'c1S-90'),
    'R c2A c3A',
    'R c2A',
  ),
  quirkCase(
    'concurrencyCheckedLate',
    ask('P', { maxConcurrency: 'two', mandatoryDecisionGroups: canary }, '0=canary[c1] 1[c2]', ''),
    'R c1A',
    'error maxConcurrency',
  ),
  quirkCase(
    'listInInputOrder',
    ask('PG', {}, '0[c1 c2]', 'c2P-10 x2S-10 c1P-10 x1S-10'),
    'R c2P c1P; X x2 x1',
    'R c1P c2P; X x1 x2',
  ),
  quirkCase(
    'duplicatesCountTwice',
    ask('P', { maxConcurrency: 3, maxFailures: 1, progressDeadline: '60s' }, '0[c1 c2]', 'c1P-90 c1F-80'),
    'R –; T c1 c1; breach',
    'R c2A; T c1',
  ),
]

/** A strict gate asks for maxConcurrency, so it must be readable at once; a breach that is known before starts nothing. */
const needs: Partial<Record<Quirk, readonly Quirk[]>> = {
  concurrencyCheckedLate: ['mandatoryGroupIgnoresConcurrency'],
  breachedGroupStillStarts: ['openGroupHidesBreach'],
}

describe('each quirk by itself', () => {
  test.each(cases)('$quirk', ({ quirk, question, compatible, strict }) => {
    expect(answerTo(question, COMPATIBLE)).toBe(compatible)
    expect(answerTo(question, STRICT)).toBe(strict)
    expect(answerTo(question, mending(quirk)), 'mended alone').not.toBe(compatible)
    expect(answerTo(question, keeping(quirk, ...(needs[quirk] ?? []))), 'kept alone').not.toBe(strict)
  })

  test('every quirk has a case', () => {
    const shownBelow: readonly Quirk[] = [
      'soakWithoutTimeNeverEnds',
      'deadlineWithoutTimeNeverComes',
      'degradedCountsAsSuccess',
    ]
    expect([...new Set([...cases.map(({ quirk }) => quirk), ...shownBelow])].sort()).toEqual([...ALL_QUIRKS].sort())
  })

  /** Asks every ten seconds with a caller that never knows the time of a status, until something else is answered. */
  function secondsUntilOther(question: Question, kept: typeof STRICT): number {
    const first = decideOcmRollout(question, kept)
    let previous = first
    for (let seconds = 10; seconds <= 600; seconds += 10) {
      const now = seconds * 1000
      const statuses = carryTimes(previous, now - 10_000, question.statuses)
      previous = decideOcmRollout({ ...question, statuses, now }, kept)
      const held = ({ rollout }: typeof first) => rollout.map(({ cluster }) => cluster).join(' ')
      if (held(previous) !== held(first)) return seconds
    }
    return Infinity
  }

  test('soakWithoutTimeNeverEnds', () => {
    const question = ask('P', { maxConcurrency: 1, minSuccessTime: '60s' }, '0[c1 c2]', 'c1S')
    expect(answerTo(question, COMPATIBLE)).toBe('R c1S(60); again 60')
    expect(decideOcmRollout(question, COMPATIBLE).rollout[0]?.transitionAt).toBeUndefined()
    expect(decideOcmRollout(question, STRICT).rollout[0]?.transitionAt).toBe(0)
    expect(decideOcmRollout(question, mending('soakWithoutTimeNeverEnds')).rollout[0]?.transitionAt).toBe(0)
    expect(decideOcmRollout(question, keeping('soakWithoutTimeNeverEnds')).rollout[0]?.transitionAt).toBeUndefined()
    expect(secondsUntilOther(question, STRICT)).toBe(60)
  })

  test('deadlineWithoutTimeNeverComes', () => {
    const question = ask('P', { maxConcurrency: 1, maxFailures: 1, progressDeadline: '60s' }, '0[c1 c2]', 'c1P')
    expect(answerTo(question, COMPATIBLE)).toBe('R c1P(60); again 60')
    expect(decideOcmRollout(question, COMPATIBLE).rollout[0]?.transitionAt).toBeUndefined()
    expect(decideOcmRollout(question, STRICT).rollout[0]?.transitionAt).toBe(0)
    expect(decideOcmRollout(question, mending('deadlineWithoutTimeNeverComes')).rollout[0]?.transitionAt).toBe(0)
    const kept = keeping('deadlineWithoutTimeNeverComes')
    expect(decideOcmRollout(question, kept).rollout[0]?.transitionAt).toBeUndefined()
    expect(secondsUntilOther(question, STRICT)).toBe(60)
  })

  test('degradedCountsAsSuccess', () => {
    const work = {
      generation: 2,
      applied: { status: 'True', observedGeneration: 2 },
      progressing: { status: 'False', observedGeneration: 2, transitionAt: 5 },
      degraded: { status: 'True', observedGeneration: 2, transitionAt: 7 },
    } as const
    expect(manifestWorkStatus(work, COMPATIBLE)).toEqual({
      status: 'Succeeded',
      transitionFrom: 'progressing',
      transitionAt: 5,
    })
    const failed = { status: 'Failed', transitionFrom: 'degraded', transitionAt: 7 }
    expect(manifestWorkStatus(work, STRICT)).toEqual(failed)
    expect(manifestWorkStatus(work, mending('degradedCountsAsSuccess'))).toEqual(failed)
  })
})

describe('the faults measured in the peer, strict', () => {
  const twenty = Array.from({ length: 20 }, (_, number) => `c${number + 1}`).join(' ')
  const others = 'd1 d2 d3 d4 d5 d6 d7 d8'

  test.each([0, '0%'])('F1: maxConcurrency %s starts none', (maxConcurrency) => {
    const question = ask('P', { maxConcurrency }, `0[${twenty}]`, '')
    expect(decideOcmRollout(question, COMPATIBLE).rollout).toHaveLength(20)
    expect(short(decideOcmRollout(question, STRICT))).toBe('R –')
  })

  test('F2: a group with clusters in flight and soaking is waited for', () => {
    const body = { maxFailures: 2, minSuccessTime: '1h', progressDeadline: '10m' }
    const question = ask('PG', body, '0[c1 c2 c3 c4] 1[c5 c6]', 'c1P-900 c2P-900 c3S-60 c4P-60')
    expect(answerTo(question, COMPATIBLE)).toBe('R c3S(3540) c4P(540) c5A c6A; T c1 c2; again 540')
    expect(answerTo(question, STRICT)).toBe('R c3S(3540) c4P(540); T c1 c2; again 540')
  })

  test.each([
    ['None', 'R d1F', 'R d1F d2A d3A d4A'],
    ['30m', 'R d1F(1740); again 1740', 'R d1F(1740) d2A d3A; again 1740'],
  ])('F3: one tolerated failure after the canary, deadline %s: goes on', (progressDeadline, compatible, strict) => {
    const body = { maxFailures: '50%', maxConcurrency: 3, progressDeadline, mandatoryDecisionGroups: canary }
    const question = ask('P', body, `0=canary[c1 c2] 1[${others}]`, 'c1S-900 c2S-900 d1F-60')
    expect(answerTo(question, COMPATIBLE)).toBe(compatible)
    expect(answerTo(question, STRICT)).toBe(strict)
  })

  test('F4: free slots are filled after the canary', () => {
    const body = { maxFailures: '50%', maxConcurrency: 3, mandatoryDecisionGroups: canary }
    const question = ask('P', body, `0=canary[c1 c2] 1[${others}]`, 'c1S-900 c2S-900 d1P-60')
    expect(answerTo(question, COMPATIBLE)).toBe('R d1P')
    expect(answerTo(question, STRICT)).toBe('R d1P d2A d3A')
  })

  test('F5: offline clusters that were told to start time out', () => {
    const body = { maxConcurrency: 3, maxFailures: 3, progressDeadline: '10m' }
    const question = ask('P', body, '0[c1 c2 c3 c4 c5]', 'c1A-900 c2A-900 c3A-900')
    expect(answerTo(question, COMPATIBLE)).toBe('R c1A c2A c3A')
    expect(answerTo(question, STRICT)).toBe('R c4A c5A; T c1 c2 c3')
    expect(answerTo({ ...question, now: -400_000 }, STRICT)).toBe('R c1A(-300) c2A(-300) c3A(-300); again 100')
    const tolerant = ask('PG', body, '0[c1 c2] 1[c3]', 'c1A-900 c2S-60')
    expect(answerTo(tolerant, COMPATIBLE)).toBe('R c1A')
    expect(answerTo(tolerant, STRICT)).toBe('R c3A; T c1')
    const intolerant = ask('PG', { progressDeadline: '10m' }, '0[c1 c2] 1[c3]', 'c1A-900 c2S-60')
    expect(answerTo(intolerant, STRICT)).toBe('R –; T c1; breach')
  })

  test('F6: a budget above the fleet tolerates everything', () => {
    const question = ask('P', { maxFailures: 25, maxConcurrency: 1 }, `0[${twenty}]`, 'c1F-60')
    expect(answerTo(question, COMPATIBLE)).toBe('R c1F; breach')
    expect(answerTo(question, STRICT)).toBe('R c1F c10A')
  })
})
