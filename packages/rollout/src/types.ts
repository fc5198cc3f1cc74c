/**
 * What a target's status says about this rollout's change (DESIGN.md section 2, as far as the engine must tell apart).
 * NotAffected, Held and Unreachable targets hold no slot and are not waited for; a target that finished stays Applied
 * or Failed when it becomes unreachable later.
 */
export type TargetPhase =
  | 'NotAffected'
  | 'Pending'
  | 'Applying'
  | 'Verifying'
  | 'Applied'
  | 'Failed'
  | 'Reverting'
  | 'Reverted'
  | 'Held'
  | 'Unreachable'

/** What planning needs to know of a target. It must not change once the target was requested; later changes are ignored. */
export interface TargetMeta {
  readonly id: string
  /** Name of a stage of the strategy; '' (or an unknown name) = in no stage: counted, never touched. */
  readonly stage: string
  /** Cell of like targets, e.g. release line / platform / architecture / topology / region. */
  readonly stratum: string
  /** Management cluster: the unit of the per-shard cap. */
  readonly shard: string
  readonly customer: string
  /** Name of the pair of highly available targets it belongs to; two of a pair are never in one wave. */
  readonly pair?: string
  /** Never in the first wave of its stage while the stage has others: targets of the highest tier. */
  readonly notFirst?: boolean
}

/** One target as observed now. Times are milliseconds since the epoch. */
export interface TargetInput extends TargetMeta {
  readonly phase: TargetPhase
  /** The target's spec carries this rollout's change. */
  readonly requested: boolean
  /** The wave recorded with the request, when the caller keeps it. Without it a restored engine works it out from seed and membership. */
  readonly wave?: number
  /** Which attempt the spec asks for; `phase` and the times are those of that attempt. Default 1. */
  readonly attempt?: number
  /** Start of the operation `phase` speaks of; the operation timeout runs from here, and only while it is running. */
  readonly since?: number
  /** End of that operation (Applied, Failed or Reverted). */
  readonly completedAt?: number
  /** The operation `phase` speaks of takes the change back. Only needed to tell a failed revert from a failed change. */
  readonly revert?: boolean
  /** When the target became unhealthy: after the change was applied or, when `compareUntreated`, without it. */
  readonly onsetAt?: number
  /** It is healthy without a break since then, when it was not ever since `completedAt`. Only needed where hours are earned. */
  readonly healthySince?: number
  /** It is not healthy for another reason, or nobody can tell: no healthy time is earned as long as that is so. */
  readonly earnsNothing?: boolean
  /** Why it is failed, held, unreachable or unhealthy: one CamelCase word. */
  readonly reason?: string
  readonly message?: string
  /**
   * It must not be started before (milliseconds since the epoch): until then it is closed, as a window or a freeze wants
   * it. May change at any time; has no effect on who was asked already, nor on reverts.
   */
  readonly notBefore?: number
}

/** A change of the observed fleet. */
export type RolloutEvent =
  | { readonly type: 'upsert'; readonly target: TargetInput }
  | { readonly type: 'remove'; readonly id: string }
  /** Samples of a continuous signal of the strategy, all of treated targets. */
  | { readonly type: 'samples'; readonly signal: string; readonly bad: number; readonly total: number }

export interface StageStrategy {
  readonly name: string
  /** Size of the first wave, at least 1. */
  readonly canary: number
  /** Growth from wave to wave, at least 1; 2 = doubling. */
  readonly factor: number
  /** Sizes of the first waves, where `canary` and `factor` do not say them; later ones grow from the last by `factor`. */
  readonly sizes?: readonly number[]
  /** Time without trouble between the last completion of a wave and the next wave. */
  readonly soakMs: number
  /** The same between the last wave of the stage and the next stage (or completion). */
  readonly finalSoakMs: number
  /** A soak lasts longer than these until so much was earned. */
  readonly earned?: EarnedSoak
}

/** A soak that is over when enough was earned: `soakMs` and `finalSoakMs` are then the shortest there is. */
export interface EarnedSoak {
  /**
   * Healthy control-plane time that each stratum must have behind it of which somebody waits for the next wave: of its
   * treated targets in all stages and waves, or of all that are treated while none of the stratum is. Milliseconds.
   */
  readonly healthyMs: number
  /** After this time without trouble the soak is over, whatever was earned. */
  readonly atMostMs: number
}

export interface FailureBudget {
  /** Share of a stage's targets, 0-100, that may fail. */
  readonly percent: number
  /** This many may fail however small the stage is. */
  readonly minimum: number
}

export interface SequentialTestInput {
  /** Failure rate of a good change, 0 < goodRate < badRate. */
  readonly goodRate: number
  /** Failure rate of a bad change, goodRate < badRate < 1. */
  readonly badRate: number
  /** Chance to halt a good change. */
  readonly alpha: number
  /** Chance to clear a bad change. */
  readonly beta: number
}

/** A measurement that is taken again and again, e.g. the share of requests that fail. */
export interface ContinuousSignal {
  /** One CamelCase word; unique. */
  readonly name: string
  /** Share of bad samples of a good change, between 0 and 1. */
  readonly goodShare: number
  /** Chance to halt a good change, over all looks together. */
  readonly alpha: number
}

/** Operations of the past. */
export interface OperationHistory {
  readonly treated: number
  readonly failed: number
}

export interface StrategyInput {
  /** In the order in which they are treated; names are unique. */
  readonly stages: readonly StageStrategy[]
  /** Operations at once on one management cluster. Asked again for every request; after a change call `capsChanged()`. */
  readonly maxPerShard: (shard: string) => number
  /** Operations at once in the whole rollout. */
  readonly maxConcurrent?: number
  /** Without one no number of failures halts by itself. */
  readonly budget?: FailureBudget
  readonly sequentialTest: SequentialTestInput
  /** 'Budget': the sequential test does not halt, only what else is said here. Default 'Evidence'. */
  readonly haltBy?: 'Evidence' | 'Budget'
  /**
   * What earlier changes of the same kind did to targets of a stratum: how often they fail anyway. Asked once for each
   * stratum; the answer must be the same after a restart.
   */
  readonly history?: (stratum: string) => OperationHistory | undefined
  /**
   * Compare treated targets with untreated ones of the same strata. The onsets of untreated ones must then be reported,
   * too, by the same standard.
   */
  readonly compareUntreated?: boolean
  /** Continuous signals, whose samples come as events. Each has a chance of its own to halt a good change. */
  readonly signals?: readonly ContinuousSignal[]
  /** An operation that takes longer than this counts as failed and gives its slot back. */
  readonly operationTimeoutMs: number
  /** After a halt take the change back everywhere. */
  readonly autoRevert: boolean
  /** Percent of one customer's targets that may be in one wave (at least one always may). Default 20. */
  readonly customerShare?: number
  /** Reasons that halt at once. Default UnexpectedNodeRollout and EtcdQuorumLost. */
  readonly haltReasons?: readonly string[]
  /** How long an onset must last before it counts as a failure; until then it is undecided and keeps the gate shut. Default 0. */
  readonly onsetGraceMs?: number
  /** Expected duration of one operation, for the ETA until there are observations. Default a third of the timeout. */
  readonly expectedOperationMs?: number
}

export type RolloutPhase = 'Progressing' | 'Paused' | 'Halted' | 'Reverting' | 'Reverted' | 'Completed' | 'Aborted'

export type VerdictRule =
  | 'SequentialTest'
  | 'StratumSequentialTest'
  | 'RateRatio'
  | 'FailureBudget'
  | 'Signal'
  | 'ContinuousSignal'
  | 'Operator'
  | 'Gate'

/** The counts a verdict rests on. */
export interface Evidence {
  /** Finished targets the rule looked at: applied and failed ones, each once. */
  readonly treated: number
  readonly failed: number
  /** Log likelihood ratio of bad against good, two decimals; for the sequential tests and the gate. */
  readonly llr?: string
  /** What `llr` (or, for the budget, `failed`) was held against. */
  readonly limit?: string
  readonly stratum?: string
  readonly stage?: string
  /** The target whose signal or outcome decided. */
  readonly target?: string
}

export interface Verdict {
  readonly outcome: 'Halt' | 'Clear'
  readonly rule: VerdictRule
  /** One CamelCase word. */
  readonly reason: string
  /** One sentence for people. */
  readonly message: string
  readonly evidence: Evidence
  /** The share that fails is at least and at most this, four decimals, each with 95 % confidence (Clopper and Pearson). */
  readonly bounds?: { readonly lower: string; readonly upper: string }
  /** What would change it, one sentence. */
  readonly outlook?: string
  readonly at: number
}

/**
 * What to do next. `open-wave`, `halt` and `complete` must be persisted before anything else happens: each is repeated
 * by every `decide` until `acknowledge`d. `apply` and `revert` are given once per target; a write that failed is given
 * back with `writeFailed`.
 */
export type Decision =
  | {
      readonly type: 'open-wave'
      readonly stage: string
      readonly wave: number
      readonly size: number
      readonly at: number
    }
  | {
      readonly type: 'close-wave'
      readonly stage: string
      readonly wave: number
      readonly at: number
      readonly verdict: Verdict
    }
  | {
      readonly type: 'apply'
      readonly id: string
      readonly stage: string
      readonly wave: number
      /** 2 or more: somebody wants it tried again. The spec must say so, and `TargetInput.attempt` then. */
      readonly attempt?: number
    }
  | { readonly type: 'revert'; readonly id: string }
  | { readonly type: 'halt'; readonly verdict: Verdict }
  | { readonly type: 'complete'; readonly outcome: 'Completed' | 'Reverted'; readonly at: number }

export interface PersistedWave {
  /** Members, as last reported by `summary`. */
  readonly size: number
  readonly openedAt: number
  readonly closedAt?: number
  /** Somebody ended its soak early; without this a restarted engine would soak again. */
  readonly expedited?: boolean
  /** As last reported. After a halt they stand, because the revert wipes what they were counted from. */
  readonly applied?: number
  readonly failed?: number
  readonly broken?: number
}

/** What the caller stored of an earlier engine: what `persistedFrom` makes of a summary, stored before `acknowledge`. */
export interface PersistedRollout {
  /** Opened waves by stage, in order of their number; stages without an opened wave may be left out. */
  readonly stages: readonly { readonly name: string; readonly waves: readonly PersistedWave[] }[]
  /** Targets that somebody left out. */
  readonly skipped?: readonly string[]
  /** Only a halt matters. */
  readonly verdict?: Verdict
  /** How it ended. */
  readonly outcome?: 'Completed' | 'Reverted' | 'Aborted'
  /** Decisions so far, so that the counter never goes back. */
  readonly decisions?: number
  /** Samples of continuous signals so far: they can be had from nowhere else. */
  readonly signals?: readonly SignalCounts[]
}

/** Samples of a continuous signal. */
export interface SignalCounts {
  readonly name: string
  readonly bad: number
  readonly total: number
}

/** The samples of a continuous signal and what they say. */
export interface SignalSummary extends SignalCounts {
  /** Log evidence that it is worse than it may be, two decimals, and what that is held against. */
  readonly evidence: string
  readonly limit: string
}

export interface WaveSummary {
  readonly number: number
  /** Members: targets that are, were or will be requested in this wave. */
  readonly size: number
  /** Absent until the opening is acknowledged. */
  readonly openedAt?: number
  readonly closedAt?: number
  /** Its soak was or will be ended early; must be stored (`PersistedWave.expedited`). */
  readonly expedited?: boolean
  /** Members whose change was requested. */
  readonly requested: number
  /** Finished and healthy. applied + failed + broken = finished. */
  readonly applied: number
  /** The operation failed or timed out. */
  readonly failed: number
  /** Became unhealthy after the change was applied. */
  readonly broken: number
}

export interface StageSummary {
  readonly name: string
  readonly phase: 'Waiting' | 'Open' | 'Soaking' | 'Passed'
  /** Targets of the stage now. */
  readonly targets: number
  /** Failures the budget allows in this stage: all when there is no budget. */
  readonly allowedFailures: number
  readonly applied: number
  readonly failed: number
  readonly broken: number
  readonly startedAt?: number
  /** Last completion so far. */
  readonly lastCompletionAt?: number
  readonly waves: readonly WaveSummary[]
}

/** What the rollout waits for. */
export interface GateSummary {
  readonly waitingFor:
    | 'Acknowledgement'
    | 'Slots'
    | 'Operations'
    | 'Onsets'
    | 'Soak'
    | 'Window'
    | 'Resume'
    | 'Reverts'
    | 'Nothing'
  /** When a soak ends, or the first window opens. */
  readonly until?: number
  readonly message: string
}

/** What a stratum has earned towards the end of the soak. */
export interface SoakCredit {
  readonly stratum: string
  /** Its targets that were treated, and how many of them are healthy. None: what all have earned counts for it. */
  readonly treated: number
  readonly healthy: number
  /** What counts for it, and what is asked. Healthy control-plane time, milliseconds. */
  readonly earnedMs: number
  readonly askedMs: number
}

export interface EtaSummary {
  /** Expected end. Absent once the rollout ended or is not progressing. */
  readonly eta?: number
  /** No operation duration could make it earlier than this: soaks alone. */
  readonly earliest?: number
  /** The expected end is after the deadline. */
  readonly deadlineAtRisk: boolean
  /** Even `earliest` is after the deadline. */
  readonly infeasible: boolean
  readonly message?: string
}

export interface Problem {
  readonly id: string
  readonly phase: TargetPhase
  readonly reason: string
  readonly message: string
}

export interface RolloutSummary {
  readonly phase: RolloutPhase
  /** Why it is paused, halted or aborted. */
  readonly reason?: string
  readonly stage?: string
  readonly wave?: number
  readonly counts: Readonly<Record<TargetPhase, number>>
  /** All known targets, in a stage or not. */
  readonly targets: number
  readonly inFlight: number
  /** Targets ever requested, finished ones and failures among them: never go back. */
  readonly requested: number
  readonly finished: number
  readonly failures: number
  readonly reverted: number
  /** Targets that somebody left out; must be stored (`PersistedRollout.skipped`). */
  readonly skipped?: readonly string[]
  readonly stages: readonly StageSummary[]
  /** The halt, or the running state of the fleet-wide test as Clear. */
  readonly verdict?: Verdict
  readonly gate: GateSummary
  /** What the strata have earned of which somebody waits, when the strategy asks for that; who lacks most comes first. */
  readonly credit?: readonly SoakCredit[]
  /** Continuous signals, when the strategy has any; in its order. */
  readonly signals?: readonly SignalSummary[]
  readonly eta: EtaSummary
  /** At most ten, failures first. */
  readonly problems: readonly Problem[]
  /** Decisions given so far, across restarts. */
  readonly decisions: number
}
