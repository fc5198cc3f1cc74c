import type { StageState } from '../stage-state.ts'
import type { FailureBudget, Verdict } from '../types.ts'
import { totals, type EvidenceBook } from './book.ts'
import { shareBounds } from './bounds.ts'
import { allowedFailures } from './budget.ts'
import type { ComparisonWatch } from './comparison-watch.ts'
import type { SignalWatch } from './e-process.ts'
import type { Comparison } from './rate-ratio.ts'
import { poissonAtLeast } from './tails.ts'
import type { SequentialTest } from './sequential-test.ts'

type Judgement = Omit<Verdict, 'at'>

/**
 * Treated and untreated are compared again at each onset, and the sequential test is made besides: the comparison halts
 * only at a small part of the chance that a vote takes. See SPEC.md, Evidence, for what the two do together.
 */
const COMPARED_P = 0.000_03
/** The chance that a good change makes so many ill; it has to be far worse than untreated ones besides. */
const GOOD_CHANGE_P = 0.005

function bounded(treated: number, failed: number): NonNullable<Verdict['bounds']> {
  const { lower, upper } = shareBounds(failed, treated)
  return { lower: lower.toFixed(4), upper: upper.toFixed(4) }
}

/** What the next targets have to do; for such as have failed as often before as those of this rollout on average. */
function outlookOf(test: SequentialTest, book: EvidenceBook): string {
  const { past } = book
  const { failures, within, clean } = test.outlook(test.sums(book.fleet()), test.steps(past), test.haltLimit())
  const among = within === failures ? 'in a row' : `within the next ${within}`
  const halting = `${failures} more ${failures === 1 ? 'failure' : 'failures'} ${among} would halt`
  const clearing = clean === 0 ? '' : `; ${clean} more without a failure would clear the change`
  const share = (100 * past.failed) / past.treated
  const prior =
    past.treated === 0
      ? ''
      : ` (with the history of ${past.treated} operations, ${share.toFixed(1)} % failed, as the prior)`
  return `${halting}${clearing}${prior}.`
}

/** The state of the fleet-wide test, as a verdict that lets the rollout go on. */
export function clearVerdict(book: EvidenceBook): Judgement {
  const { test } = book
  const { treated, failed } = totals(book.fleet())
  const llr = test?.ratio(test.sums(book.fleet()))
  const cleared = test !== undefined && llr !== undefined && llr <= test.clearLimit
  return {
    outcome: 'Clear',
    rule: 'Gate',
    reason: cleared ? 'Cleared' : 'NoEvidenceAgainst',
    message: `${failed} of ${treated} treated targets failed: ${cleared ? 'the change is cleared' : 'not enough against the change to halt'}.`,
    evidence: {
      treated,
      failed,
      ...(test === undefined || llr === undefined
        ? {}
        : { llr: llr.toFixed(2), limit: (cleared ? test.clearLimit : test.haltLimit()).toFixed(2) }),
    },
    ...(treated === 0 ? {} : { bounds: bounded(treated, failed) }),
    ...(test === undefined ? {} : { outlook: outlookOf(test, book) }),
  }
}

function sequential({ book, now }: Docket, test: SequentialTest, stratum?: string): Judgement | undefined {
  const cells = () => (stratum === undefined ? book.fleet() : book.stratum(stratum))
  const llr = test.ratio(book.withRunning(test.sums(cells()), now, stratum))
  // The tests of the strata share one chance of error; without that, many strata would halt many good changes.
  const limit = test.haltLimit(stratum === undefined ? 1 : book.strata)
  if (llr < limit) return undefined
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
      limit: limit.toFixed(2),
      ...(stratum === undefined ? {} : { stratum }),
    },
    bounds: bounded(treated, failed),
  }
}

/** Worse than untreated ones, and by more than a good change may do: one breaks some, too. */
function isWorse(book: EvidenceBook, { opinion, p, exposedOnsets, ratio }: Comparison): boolean {
  if (opinion !== 'Vote' || p >= COMPARED_P) return false
  const byGoodChange = (book.test?.usualRate() ?? 0) * totals(book.fleet()).treated
  return poissonAtLeast(exposedOnsets, byGoodChange + exposedOnsets / ratio) < GOOD_CHANGE_P
}

function compared(book: EvidenceBook, { ratio, p, onsets, exposedOnsets }: Comparison, atLeast: number): Judgement {
  const { treated, failed } = totals(book.fleet())
  const message = Number.isFinite(ratio)
    ? `${exposedOnsets} of ${onsets} targets that became unhealthy are treated ones, ${ratio.toFixed(1)} times as often as untreated ones of the same strata at the same time`
    : `All ${onsets} targets that became unhealthy are treated ones, while the untreated ones of the same strata stayed well`
  return {
    outcome: 'Halt',
    rule: 'RateRatio',
    reason: 'WorseThanUntreated',
    message: `${message} (p = ${p.toExponential(1)}; at least ${atLeast.toFixed(1)} times with 95 % confidence).`,
    evidence: { treated, failed },
    ...(treated === 0 ? {} : { bounds: bounded(treated, failed) }),
  }
}

function overBudget(book: EvidenceBook, budget: FailureBudget, stage: StageState): Judgement | undefined {
  const failed = stage.failed + stage.broken
  const allowed = allowedFailures(budget, stage.targets)
  const byChance = book.byChance(stage.index)
  if (failed - byChance <= allowed) return undefined
  const without = byChance >= 0.05 ? `, about ${byChance.toFixed(1)} of them by chance` : ''
  const treated = failed + stage.applied
  return {
    outcome: 'Halt',
    rule: 'FailureBudget',
    reason: 'BudgetExceeded',
    message: `${failed} targets of stage ${stage.strategy.name} failed${without}; its budget allows ${allowed} of ${stage.targets}.`,
    evidence: { treated, failed, limit: String(allowed), stage: stage.strategy.name },
    bounds: bounded(treated, failed),
  }
}

/** What the judge may look at. */
export interface Docket {
  readonly book: EvidenceBook
  readonly budget: FailureBudget | undefined
  /** Treated against untreated, when they are compared. */
  readonly comparison: ComparisonWatch | undefined
  readonly now: number
  /** Where something failed since the last time. */
  readonly changed: { readonly strata: Iterable<string>; readonly stages: Iterable<StageState> }
}

/**
 * Judges what changed since the last time: the sequential test of the fleet, then of each stratum with a new failure,
 * then treated against untreated, then the budget of each stage with a new failure. Undefined = go on.
 */
export function judge(docket: Docket): Judgement | undefined {
  const { book, budget, comparison, now, changed } = docket
  const { test } = book
  const found =
    test && firstOf([undefined, ...Array.from(changed.strata).sort()], (stratum) => sequential(docket, test, stratum))
  if (found) return found
  const rates = comparison?.compare(now)
  if (comparison && rates && isWorse(book, rates)) return compared(book, rates, comparison.atLeast(now))
  const stages = Array.from(changed.stages).sort((left, right) => left.index - right.index)
  return budget && firstOf(stages, (stage) => overBudget(book, budget, stage))
}

function firstOf<Case>(cases: Iterable<Case>, judged: (each: Case) => Judgement | undefined): Judgement | undefined {
  for (const each of cases) {
    const verdict = judged(each)
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

/** Somebody wants everything taken back, and says why. */
export function operatorVerdict(book: EvidenceBook, reason: string): Judgement {
  const { treated, failed } = totals(book.fleet())
  return {
    outcome: 'Halt',
    rule: 'Operator',
    reason: 'RevertRequested',
    message: reason,
    evidence: { treated, failed },
    ...(treated === 0 ? {} : { bounds: bounded(treated, failed) }),
  }
}

/** A continuous signal whose evidence was at its limit. */
export function watchVerdict(name: string, watch: SignalWatch): Judgement {
  return {
    outcome: 'Halt',
    rule: 'ContinuousSignal',
    reason: name,
    message: `${watch.bad} of ${watch.total} samples of ${name} from treated targets are bad: a bad change explains that better than chance.`,
    evidence: {
      treated: watch.total,
      failed: watch.bad,
      llr: watch.evidence.toFixed(2),
      limit: watch.limit.toFixed(2),
    },
    bounds: bounded(watch.total, watch.bad),
  }
}
