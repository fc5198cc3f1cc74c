import { logEvidence } from '../evidence/e-process.ts'
import { addTo, SequentialTest, type EvidenceCell } from '../evidence/sequential-test.ts'
import type { VerdictRule } from '../types.ts'
import { isRunning, isTakenBack, isTouched, standOf, type Known } from './known.test-support.ts'

/** The rule by which it must halt now, by all that is known, counted from scratch (I12); undefined = none. */
export function ruleToHalt(known: Known, now: number, isExact: boolean): VerdictRule | 'unknown' | undefined {
  if (known.isRevertWanted) return 'Operator'
  if (known.hasSignal) return 'Signal'
  if (known.isWatchHalting) return 'ContinuousSignal'
  if (known.failedIn.size === 0) return undefined
  if (known.strategy.haltBy !== 'Budget') {
    // What onsets weigh where untreated targets fall ill, too, is not counted from scratch here.
    const areWeighed = known.strategy.compareUntreated && known.ends.some(({ memory }) => memory.end === 'broken')
    if (!isExact || areWeighed) return 'unknown'
    const test = new SequentialTest(known.strategy.sequentialTest, known.strategy.compareUntreated ? 2 : 1)
    if (ratio(known, test, now) >= test.haltLimit()) return 'SequentialTest'
    for (const { input } of known.failedIn) {
      if (ratio(known, test, now, input.stratum) >= test.haltLimit(known.strata.size)) return 'StratumSequentialTest'
    }
  }
  if (known.strategy.compareUntreated) return 'unknown'
  for (const { input } of known.failedIn) if (isOverBudget(known, input.stage)) return 'FailureBudget'
  return undefined
}

/** Takes in the samples since the last decision. */
export function lookAtSamples(known: Known): void {
  const { samples } = known
  if (!samples.areNew) return
  samples.areNew = false
  if (logEvidence(0.01, samples.bad, samples.total) >= -Math.log(0.01)) known.isWatchHalting = true
}

function ratio(known: Known, test: SequentialTest, now: number, stratum?: string): number {
  const cells = new Map<number, EvidenceCell>()
  const steps = (name: string) => test.steps(known.strategy.history?.(name))
  for (const end of known.ends) {
    if (stratum !== undefined && end.stratum !== stratum) continue
    const place = known.stage(end.stage) * 1000 + (end.wave ?? 0)
    const cell = cells.get(place) ?? { succeeded: 0, failed: 0, bad: 0, severe: 0 }
    cells.set(place, cell)
    const isGood = end.memory.end === 'applied'
    addTo(cell, isGood ? 1 : 0, isGood ? 0 : 1, steps(end.stratum))
  }
  const inOrder = [...cells].sort(([left], [right]) => left - right).map(([, cell]) => cell)
  let { bad, severe } = test.sums(inOrder)
  for (const [name, time] of timeUnderWay(known, now)) {
    if (stratum !== undefined && name !== stratum) continue
    const successes = time / known.strategy.operationTimeoutMs
    bad += Math.round(successes * steps(name).bad.succeeded)
    severe += Math.round(successes * steps(name).severe.succeeded)
  }
  return test.ratio({ bad, severe })
}

function timeUnderWay(known: Known, now: number): Map<string, number> {
  const times = new Map<string, number>()
  for (const target of known.targets.values()) {
    const { since, stratum, stage, attempt = 1 } = target.input
    if (since === undefined || attempt > 1 || known.stage(stage) < 0 || standOf(target, now) !== 'busy') continue
    if (isRunning(target) && !isTakenBack(target)) times.set(stratum, (times.get(stratum) ?? 0) + now - since)
  }
  return times
}

function isOverBudget(known: Known, stage: string): boolean {
  const { budget } = known.strategy
  if (!budget) return false
  let failed = 0
  let targets = 0
  for (const target of known.in(stage)) {
    if (isTouched(target) || target.input.phase !== 'NotAffected') targets++
    if (target.memory.end === 'failed' || target.memory.end === 'broken') failed++
  }
  return failed > Math.max(budget.minimum, Math.floor((targets * budget.percent) / 100))
}
