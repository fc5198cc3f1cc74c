import type { RolloutSummary, TargetPhase } from '../types.ts'
import { isTouched, type Known } from './known.test-support.ts'
import { violates } from './violation.test-support.ts'

/** I9: what the engine keeps bit by bit is what is counted from scratch. */
export function checkCounts(known: Known, summary: RolloutSummary, now: number, isFirstLife: boolean): void {
  const counts: Partial<Record<TargetPhase, number>> = {}
  const stages = new Map<string, { targets: number; applied: number; failed: number; broken: number }>()
  for (const { name } of known.strategy.stages) stages.set(name, { targets: 0, applied: 0, failed: 0, broken: 0 })
  for (const target of known.targets.values()) {
    const { phase, stage: name } = target.input
    counts[phase] = (counts[phase] ?? 0) + 1
    const stage = stages.get(name)
    if (!stage) continue
    if (isTouched(target) || phase !== 'NotAffected') stage.targets++
    if (target.memory.end) stage[target.memory.end]++
  }
  const say = (what: string, is: unknown, expected: unknown) => {
    if (is !== expected) violates('I9', `${what} is ${String(is)} instead of ${String(expected)}`)
  }
  for (const [phase, count] of Object.entries(summary.counts)) say(phase, count, counts[phase as TargetPhase] ?? 0)
  say('targets', summary.targets, known.targets.size)
  say('inFlight', summary.inFlight, known.inFlight(now))
  for (const stage of summary.stages) {
    const expected = stages.get(stage.name)
    say(`targets of ${stage.name}`, stage.targets, expected?.targets)
    // After a restart those stand that were stored before the revert.
    if (!isFirstLife) continue
    for (const end of ['applied', 'failed', 'broken'] as const)
      say(`${end} of ${stage.name}`, stage[end], expected?.[end])
  }
  const memories = [...known.memories.values()]
  const failed = known.ends.filter(({ memory }) => memory.end !== 'applied').length
  say('requested', summary.requested, memories.length)
  say('finished', summary.finished, known.ends.length)
  say('failures', summary.failures, failed)
  say('reverted', summary.reverted, memories.filter(({ isReverted }) => isReverted).length)
}

/** I11: counters never go back. */
export function checkCounters(before: RolloutSummary | undefined, now: RolloutSummary): void {
  for (const counter of ['requested', 'finished', 'failures', 'reverted', 'decisions'] as const) {
    if (now[counter] < (before?.[counter] ?? 0)) violates('I11', `${counter} went back to ${now[counter]}`)
  }
}
