import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outcomeOf } from './check-cases.ts'
import { conditionsOf, sizeOf } from './conditions.test-support.ts'
import { carryTimes, decideOcmRollout } from './decide.ts'
import { bodyOf, questions, type Question } from './questions.test-support.ts'
import { COMPATIBLE, STRICT } from './quirks.ts'
import type { OcmAnswer, OcmStatus } from './types.ts'

const runs = { seed: 2, numRuns: 3_000 }

function strictAnswer(question: Question): OcmAnswer | undefined {
  const outcome = outcomeOf(question, STRICT)
  return 'error' in outcome ? undefined : { strategy: question.strategy, ...outcome }
}

describe('strict mode', () => {
  test('starts nothing beyond maxConcurrency', () => {
    let limited = 0
    fc.assert(
      fc.property(questions('wild'), (question) => {
        const { maxConcurrency } = bodyOf(question.strategy)
        const answer = strictAnswer(question)
        if (question.strategy.type !== 'Progressive' || maxConcurrency === undefined || answer === undefined) return
        const fleet = new Set(question.groups.flatMap(({ clusters }) => clusters)).size
        const starts = answer.rollout.filter(({ status }) => status === 'ToApply').length
        // Failed without a deadline is listed but holds nothing.
        const hasDeadline = /\d/.test(bodyOf(question.strategy).progressDeadline ?? '')
        const holding = answer.rollout.filter(
          ({ status }) => status !== 'ToApply' && (hasDeadline || status !== 'Failed'),
        ).length
        const slots = sizeOf(maxConcurrency, fleet, 0)
        expect(starts).toBeLessThanOrEqual(Math.max(0, slots - holding))
        if (starts > 0 && starts === slots - holding) limited++
      }),
      runs,
    )
    expect(limited).toBeGreaterThan(40)
  })

  test('starts nothing after a breach', () => {
    let breaches = 0
    fc.assert(
      fc.property(questions('wild'), (question) => {
        const answer = strictAnswer(question)
        if (answer?.maxFailureBreach !== true) return
        breaches++
        expect(answer.rollout.filter(({ status }) => status === 'ToApply')).toEqual([])
      }),
      runs,
    )
    expect(breaches).toBeGreaterThan(100)
  })

  test('does not depend on the order of groups and statuses', () => {
    const shuffledQuestions = questions('wild').chain((question) =>
      fc.record({
        question: fc.constant(question),
        statuses: fc.shuffledSubarray([...question.statuses], { minLength: question.statuses.length }),
        groups: fc.shuffledSubarray([...question.groups], { minLength: question.groups.length }),
      }),
    )
    fc.assert(
      fc.property(shuffledQuestions, ({ question, statuses, groups }) => {
        expect(outcomeOf({ ...question, statuses, groups }, STRICT)).toEqual(outcomeOf(question, STRICT))
      }),
      runs,
    )
  })

  test('answers as compatible mode where no quirk shows', () => {
    let plain = 0
    fc.assert(
      fc.property(questions('tame'), (question) => {
        if (conditionsOf(question).length > 0) return
        plain++
        expect(outcomeOf(question, STRICT)).toEqual(outcomeOf(question, COMPATIBLE))
      }),
      { ...runs, numRuns: 20_000 },
    )
    expect(plain).toBeGreaterThan(1_000)
  })

  test('offline clusters give their slots back: all others are treated', () => {
    const fleets = fc.record({
      offline: fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 4 }),
      maxConcurrency: fc.integer({ min: 1, max: 4 }),
      type: fc.constantFrom('Progressive', 'ProgressivePerGroup'),
      reportsTimes: fc.boolean(),
    })
    fc.assert(
      fc.property(fleets, ({ offline, maxConcurrency, type, reportsTimes }) => {
        const isOffline = (cluster: string) => offline.includes(Number(cluster.slice(1)))
        const body = { maxConcurrency, maxFailures: '100%', progressDeadline: '60s' }
        const strategy = type === 'Progressive' ? { type, progressive: body } : { type, progressivePerGroup: body }
        const groups = [0, 1, 2].map((index) => ({
          name: '',
          index,
          clusters: Array.from({ length: 4 }, (_, number) => `c${index * 4 + number}`),
        }))
        // What the callers see: who was told to start is ToApply until it answers, and Succeeded ten seconds later.
        let seen: OcmStatus[] = []
        let previous = decideOcmRollout({ strategy, groups, statuses: seen, now: 0 }, STRICT)
        for (let now = 10_000; now <= 1_200_000; now += 10_000) {
          seen = seen.map((status) => (isOffline(status.cluster) ? status : { ...status, status: 'Succeeded' }))
          for (const { cluster, group, status } of previous.rollout)
            if (status === 'ToApply' && !seen.some((known) => known.cluster === cluster))
              seen.push({ cluster, group, status, ...(reportsTimes && { transitionAt: now - 10_000 }) })
          const statuses = carryTimes(previous, now - 10_000, seen)
          previous = decideOcmRollout({ strategy, groups, statuses, now }, STRICT)
        }
        const treated = seen.filter(({ status }) => status === 'Succeeded').length
        expect(treated).toBe(12 - offline.length)
        expect(previous.timeout.map(({ cluster }) => cluster).sort()).toEqual(
          offline.map((number) => `c${number}`).sort(),
        )
      }),
      { seed: 3, numRuns: 50 },
    )
  })
})
