import { allowedFailures } from './budget.ts'
import { totals, type EvidenceBook } from './evidence.ts'
import type { SequentialTest } from './sequential-test.ts'
import type { StageState } from './stage-state.ts'
import type { FailureBudget, Verdict } from './types.ts'

type Judgement = Omit<Verdict, 'at'>

/** The state of the fleet-wide test, as a verdict that lets the rollout go on. */
export function clearVerdict(test: SequentialTest, book: EvidenceBook): Judgement {
  const { treated, failed } = totals(book.fleet())
  const llr = test.ratio(book.fleet())
  const cleared = llr <= test.clearLimit
  return {
    outcome: 'Clear',
    rule: 'Gate',
    reason: cleared ? 'Cleared' : 'NoEvidenceAgainst',
    message: `${failed} of ${treated} treated targets failed: ${cleared ? 'the change is cleared' : 'not enough against the change to halt'}.`,
    evidence: { treated, failed, llr: llr.toFixed(2), limit: test.haltLimit.toFixed(2) },
  }
}

function sequential(test: SequentialTest, book: EvidenceBook, stratum?: string): Judgement | undefined {
  const cells = () => (stratum === undefined ? book.fleet() : book.stratum(stratum))
  const llr = test.ratio(cells())
  if (llr < test.haltLimit) return undefined
  const { treated, failed } = totals(cells())
  const where = stratum === undefined ? '' : ` in ${stratum}`
  return {
    outcome: 'Halt',
    rule: stratum === undefined ? 'SequentialTest' : 'StratumSequentialTest',
    reason: 'FailureRateTooHigh',
    message: `${failed} of ${treated} treated targets${where} failed: a bad change explains that better than chance.`,
    evidence: {
      treated,
      failed,
      llr: llr.toFixed(2),
      limit: test.haltLimit.toFixed(2),
      ...(stratum === undefined ? {} : { stratum }),
    },
  }
}

function overBudget(budget: FailureBudget, stage: StageState): Judgement | undefined {
  const failed = stage.failed + stage.broken
  const allowed = allowedFailures(budget, stage.targets)
  if (failed <= allowed) return undefined
  const treated = failed + stage.applied
  return {
    outcome: 'Halt',
    rule: 'FailureBudget',
    reason: 'BudgetExceeded',
    message: `${failed} targets of stage ${stage.strategy.name} failed; its budget allows ${allowed} of ${stage.targets}.`,
    evidence: { treated, failed, limit: String(allowed), stage: stage.strategy.name },
  }
}

/**
 * Judges what changed since the last time: the sequential test of the fleet, then of each stratum with a new failure,
 * then the budget of each stage with a new failure. Undefined = go on.
 */
export function judge(
  test: SequentialTest,
  book: EvidenceBook,
  budget: FailureBudget,
  changed: { readonly strata: Iterable<string>; readonly stages: Iterable<StageState> },
): Judgement | undefined {
  const fleet = sequential(test, book)
  if (fleet) return fleet
  for (const stratum of changed.strata) {
    const verdict = sequential(test, book, stratum)
    if (verdict) return verdict
  }
  for (const stage of changed.stages) {
    const verdict = overBudget(budget, stage)
    if (verdict) return verdict
  }
  return undefined
}

/** A signal that halts whatever the counts say. */
export function signalVerdict(book: EvidenceBook, target: string, stratum: string, reason: string): Judgement {
  return {
    outcome: 'Halt',
    rule: 'Signal',
    reason,
    message: `${target} reports ${reason}, which halts a rollout at once.`,
    evidence: { ...totals(book.fleet()), stratum, target },
  }
}
