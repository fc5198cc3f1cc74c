import type { RolloutSummary } from '../types.ts'
import { isTakenBack, isTouched, standOf, type Known, type KnownTarget } from './known.test-support.ts'
import { violates } from './violation.test-support.ts'

/** When the soak of a stage is over by SPEC.md, added up target by target; undefined when nothing was treated. */
export function soakOf(known: Known, stage: string, isEnd: boolean, now: number): number | undefined {
  const last = known.completions.get(stage)
  const strategy = known.strategy.stages[known.stage(stage)]
  if (last === undefined || !strategy) return undefined
  const shortest = last + (isEnd ? strategy.finalSoakMs : strategy.soakMs)
  if (!strategy.earned) return shortest
  const { healthyMs, atMostMs } = strategy.earned
  let enough = shortest
  for (const stratum of strataAhead(known, stage, isEnd, now)) {
    enough = Math.max(enough, earnedBy(known, stratum, healthyMs, now))
  }
  return Math.max(shortest, Math.min(last + atMostMs, enough))
}

/** I21: a gate says when its soak ends, as anybody can count who knows the fleet. Whether it waits for hours. */
export function checkUntil(known: Known, { gate }: RolloutSummary, now: number): boolean {
  const stage = /^Stage (\S+) soaks/.exec(gate.message)?.[1]
  if (gate.waitingFor !== 'Soak' || stage === undefined) return false
  const expected = soakOf(known, stage, !isWaitedFor(known, stage, now), now)
  if (gate.until !== expected) violates('I21', `${gate.message} It ends ${gate.until} instead of ${expected}`)
  return gate.message.includes('earned')
}

function strataAhead(known: Known, stage: string, isEnd: boolean, now: number): Set<string> {
  if (!isEnd) return strataIn(known, stage, now)
  const later = known.strategy.stages.slice(known.stage(stage) + 1)
  return later.map(({ name }) => strataIn(known, name, now)).find(({ size }) => size > 0) ?? new Set()
}

/** Somebody waits for a wave of the stage, or for a window in which it can be tried again. */
function isWaitedFor(known: Known, stage: string, now: number): boolean {
  const isClosed = [...known.in(stage)].some((target) => standOf(target, now) === 'closed')
  return isClosed || strataIn(known, stage, now).size > 0
}

/** Strata of those who wait for a wave of the stage. */
function strataIn(known: Known, stage: string, now: number): Set<string> {
  const waiting = [...known.in(stage)].filter(
    (target) => !isTouched(target) && ['idle', 'closed'].includes(standOf(target, now)),
  )
  return new Set(waiting.map(({ input }) => input.stratum))
}

/** When the treated of a stratum, or all when it has none, will have been healthy for so long together. */
function earnedBy(known: Known, stratum: string, healthyMs: number, now: number): number {
  const treated = [...known.targets.values()].filter(
    (target) =>
      known.stage(target.input.stage) >= 0 && isTouched(target) && !isTakenBack(target) && isOver(target, now),
  )
  const own = treated.filter(({ input }) => input.stratum === stratum)
  const counting = (own.length > 0 ? own : treated).filter((target) => isEarning(known, target))
  if (counting.length === 0) return Number.POSITIVE_INFINITY
  const since = counting.map(({ input: { completedAt = 0, healthySince = completedAt } }) =>
    Math.max(completedAt, healthySince),
  )
  return Math.ceil((healthyMs + since.reduce((sum, each) => sum + each, 0)) / counting.length)
}

function isOver(target: KnownTarget, now: number): boolean {
  const { phase, completedAt } = target.input
  if (phase === 'Unreachable' || phase === 'Held') return completedAt !== undefined
  return standOf(target, now) === 'done'
}

function isEarning({ strategy }: Known, { input }: KnownTarget): boolean {
  const { phase, attempt = 1, onsetAt, earnsNothing, since = 0, completedAt } = input
  if (phase !== 'Applied' || attempt > 1 || onsetAt !== undefined || earnsNothing || completedAt === undefined)
    return false
  return completedAt - since <= strategy.operationTimeoutMs
}
