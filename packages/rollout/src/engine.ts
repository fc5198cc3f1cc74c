import type { Forecast } from './eta-forecast.ts'
import type { DurationSketch } from './eta-sketch.ts'
import { estimateEnd, forecastRemaining } from './eta.ts'
import type { LogEntry, OperatorEntry } from './log/entries.ts'
import { Recorder } from './log/recorder.ts'
import { clearVerdict, judge, operatorVerdict, signalVerdict, watchVerdict } from './evidence/judge.ts'
import { FleetState } from './fleet-state.ts'
import { creditOf, stageGate, windowGate } from './gates.ts'
import { nextPhase, type RolloutTrigger } from './phase-table.ts'
import { waveSize } from './wave-size.ts'
import { restoreState } from './restore.ts'
import { Reverter } from './reverter.ts'
import { lastWave, newWave, type StageState } from './stage-state.ts'
import { listProblems, summarizeSignals, summarizeStage } from './summary.ts'
import { attemptOf } from './target.ts'
import type {
  Decision,
  GateSummary,
  PersistedRollout,
  RolloutEvent,
  RolloutPhase,
  RolloutSummary,
  StrategyInput,
  TargetInput,
  Verdict,
} from './types.ts'

export interface EngineOptions {
  readonly strategy: StrategyInput
  /** The seed of the plan that was approved. */
  readonly seed: number
  /** Every target as observed now; later ones come as events. */
  readonly targets: Iterable<TargetInput>
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** Milliseconds since the epoch; only the ETA is held against it. */
  readonly deadline: number
  /** What an earlier engine left. Without it the rollout starts from the beginning. */
  readonly persisted?: PersistedRollout
  /**
   * Gets everything the engine is told, asked and decides, in order: what `replay` needs. Called in the middle of calls of
   * the engine, so it must not throw nor call it back. What it gets shares its objects with the engine and must not be
   * changed.
   */
  readonly log?: (entry: LogEntry) => void
}

type Of<Type extends Decision['type']> = Extract<Decision, { type: Type }>

/**
 * Decides one rollout: which targets next, when the next wave, when to halt, what to take back. Knows nothing of
 * Kubernetes, of clocks or of I/O: it is fed with observations and with the time, and gives decisions. The same
 * observations and times give the same decisions. SPEC.md has its rules.
 */
export class RolloutEngine {
  readonly #fleet: FleetState
  readonly #deadline: number
  readonly #seed: number
  readonly #recorder: Recorder | undefined
  #phase: RolloutPhase = 'Progressing'
  #reason: string | undefined
  #verdict: Verdict | undefined
  #decisions: number
  /** Index of the stage in progress; the number of stages when all have passed. */
  #current = 0
  /** Decisions that are repeated until acknowledged. */
  #opening: { readonly stage: StageState; readonly decision: Of<'open-wave'> } | undefined
  #unacknowledged: Of<'halt'> | Of<'complete'> | undefined
  #reverter: Reverter | undefined
  /** Why somebody wants everything taken back, until the decision that says so. */
  #revertWanted: string | undefined

  private constructor(options: EngineOptions) {
    this.#deadline = options.deadline
    this.#seed = options.seed
    const recorder = options.log && new Recorder(options.log)
    this.#recorder = recorder
    const targets = recorder ? Array.from(options.targets) : options.targets
    recorder?.begin(options, Array.from(targets))
    const strategy = recorder ? recorder.listenTo(options.strategy) : options.strategy
    this.#fleet = new FleetState(strategy, options.seed, options.startedAt)
    this.#decisions = options.persisted?.decisions ?? 0
    restoreState(this.#fleet, targets, options.persisted)
    this.#current = Math.max(
      0,
      this.#fleet.stages.findLastIndex((stage) => stage.waves.length > 0),
    )
    for (const { name, bad, total } of options.persisted?.signals ?? []) this.#fleet.sample(name, bad, total)
    const verdict = options.persisted?.verdict
    if (verdict?.outcome === 'Halt') this.#verdict = verdict
    const outcome = options.persisted?.outcome
    if (outcome) this.#phase = outcome
    else if (this.#verdict) {
      this.#phase = 'Halted'
      this.#startReverting()
    }
  }

  /** Throws RangeError when the strategy's sequential test or a continuous signal makes no sense. */
  static create(options: EngineOptions): RolloutEngine {
    return new RolloutEngine(options)
  }

  get phase(): RolloutPhase {
    return this.#phase
  }

  /** Takes in one observation: O(log n). Decisions follow from `decide`. */
  apply(event: RolloutEvent): void {
    const before = this.#recorder && event.type === 'upsert' ? this.#fleet.get(event.target.id)?.input : undefined
    this.#take(event)
    this.#recorder?.event(event, before)
  }

  #take(event: RolloutEvent): void {
    if (event.type === 'upsert') {
      const record = this.#fleet.upsert(event.target)
      this.#reverter?.consider(record)
      return
    }
    if (event.type === 'samples') {
      this.#fleet.sample(event.signal, event.bad, event.total)
      return
    }
    this.#fleet.remove(event.id)
  }

  /** Says that a decision which is repeated until persisted has been persisted. Other decisions have no effect. */
  acknowledge(decision: Decision): void {
    this.#accept(decision)
    this.#recorder?.acknowledge(decision)
  }

  #accept(decision: Decision): void {
    if (decision.type === 'open-wave') {
      const opening = this.#opening
      if (opening?.decision.stage !== decision.stage || opening.decision.wave !== decision.wave) return
      this.#opening = undefined
      const wave = lastWave(opening.stage)
      if (!wave) return
      wave.acknowledged = true
      wave.openedAt = decision.at
      for (const record of Array.from(wave.untouched)) this.#fleet.settle(record)
      return
    }
    if (decision.type !== this.#unacknowledged?.type) return
    this.#unacknowledged = undefined
    if (decision.type === 'halt') this.#startReverting()
  }

  /** Says that the write of an `apply` or `revert` decision failed for good: it will be decided again. */
  writeFailed(id: string): void {
    const record = this.#fleet.get(id)
    if (!record) return
    const settled = this.#fleet.writeFailed(record)
    this.#reverter?.consider(settled)
    this.#recorder?.writeFailed(id)
  }

  /** Says that `maxPerShard` may answer differently from now on. */
  capsChanged(): void {
    for (const queue of this.#fleet.queues) queue.roomAnywhere()
    this.#recorder?.capsChanged()
  }

  /** No new wave and no new request until `resume`; operations under way go on and are judged. False: no effect now. */
  pause(reason: string): boolean {
    return this.#effective(this.#step('pause', reason), { type: 'pause', reason })
  }

  resume(): boolean {
    return this.#effective(this.#step('resume'), { type: 'resume' })
  }

  /** Ends the rollout where it is; what was changed stays changed. */
  abort(reason: string): boolean {
    return this.#effective(this.#step('abort', reason), { type: 'abort', reason })
  }

  /**
   * Ends the soak (or final soak) after this wave early: what is under way and undecided is still waited for. It must be
   * the last wave opened in its stage, and not closed. False: no effect now. Remembered by `PersistedWave.expedited`.
   */
  expedite(stage: string, wave: number): boolean {
    const named = this.#fleet.stages.find(({ strategy }) => strategy.name === stage)
    const last = named && lastWave(named)
    if (!this.#canHalt || !last?.acknowledged || last.number !== wave) return false
    if (last.closedAt !== undefined || last.expedited) return false
    last.expedited = true
    return this.#effective(true, { type: 'expedite', stage, wave })
  }

  /**
   * Leaves a target out of this rollout, for good: it counts as held. Also one that is yet to come. False: no effect, since
   * it was asked already, or the rollout is halted or over. Remembered by `PersistedRollout.skipped`.
   */
  skip(id: string): boolean {
    return this.#effective(this.#canHalt && this.#fleet.skip(id), { type: 'skip', id })
  }

  /**
   * Tries a target again that has failed: under the same caps, windows and gates as the first time, in its wave. That it
   * failed stays in the evidence. Forgotten by a restart before it was decided: whoever asked asks again. False: no effect,
   * since it has not failed or is being tried again, or the rollout is halted or over.
   */
  retry(id: string): boolean {
    return this.#effective(this.#canHalt && this.#fleet.retry(id), { type: 'retry', id })
  }

  /**
   * Halts because somebody says so, and takes the change back everywhere whatever `autoRevert` says: the next decision
   * is the halt, also of a rollout that is completed. After a halt the same as `revert`. False: no effect now. Once the halt
   * is persisted it outlives a restart.
   */
  revertNow(reason: string): boolean {
    const isWanted = this.#phase === 'Halted' ? this.#beginReverting() : this.#wantRevert(reason)
    return this.#effective(isWanted, { type: 'revertNow', reason })
  }

  /** Takes the change back after a halt when the strategy does not do so by itself. */
  revert(): boolean {
    return this.#effective(this.#beginReverting(), { type: 'revert' })
  }

  /**
   * What to do now. The cost is proportional to the decisions (and to the size of a wave when one is opened), not to
   * the fleet. `now` is milliseconds since the epoch.
   */
  decide(now: number): Decision[] {
    const decisions: Decision[] = []
    this.#fleet.advance(now)
    this.#judge(now)
    if (this.#unacknowledged) decisions.push(this.#unacknowledged)
    else if (this.#phase === 'Progressing') this.#progress(now, decisions)
    else if (this.#phase === 'Reverting') this.#revertMore(now, decisions)
    this.#recorder?.decide(now, decisions)
    return decisions
  }

  /** When `decide` may have something new to say without any event; undefined = only events matter. */
  nextDue(now: number): number | undefined {
    if (this.#phase !== 'Progressing' && this.#phase !== 'Paused' && this.#phase !== 'Reverting') return undefined
    const timer = this.#fleet.nextTimer() ?? Number.POSITIVE_INFINITY
    if (this.#phase !== 'Progressing') return Number.isFinite(timer) ? timer : undefined
    const soak = this.#opening ? undefined : this.#gate(now)?.until
    const opening = this.#fleet.nextOpening(this.#current)
    const due = Math.min(timer, soak ?? timer, opening ?? timer)
    return Number.isFinite(due) ? due : undefined
  }

  /**
   * Quantiles of the end, by simulation: a few to some ten milliseconds, so not for every decision. `past`: durations of
   * waves of earlier rollouts. Undefined unless it is progressing.
   */
  forecast(now: number, past: readonly DurationSketch[] = []): Forecast | undefined {
    return this.#phase === 'Progressing' ? forecastRemaining(this.#fleet, now, this.#seed, past) : undefined
  }

  /** Counts, times, evidence and outlook for people and for status. The cost depends on stages and waves. */
  summary(now: number): RolloutSummary {
    const fleet = this.#fleet
    const running = this.#phase === 'Progressing' || this.#phase === 'Paused' ? this.#current : undefined
    const current = fleet.stages[running ?? fleet.stages.findLastIndex((stage) => stage.waves.length > 0)]
    const wave = current && lastWave(current)?.number
    const credit = running === undefined || !current ? undefined : creditOf(fleet, current, now)
    return {
      phase: this.#phase,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(current ? { stage: current.strategy.name } : {}),
      ...(wave === undefined ? {} : { wave }),
      counts: { ...fleet.counts },
      targets: fleet.size,
      inFlight: fleet.slots.total,
      requested: fleet.touched.length,
      finished: fleet.finished,
      failures: fleet.failures,
      reverted: fleet.reverted,
      ...(fleet.skipped.size > 0 ? { skipped: Array.from(fleet.skipped).sort() } : {}),
      stages: fleet.stages.map((stage) => summarizeStage(stage, fleet.strategy.budget)),
      ...(fleet.finished > 0 || this.#verdict ? { verdict: this.#verdict ?? this.#clear(now) } : {}),
      gate: this.#waitingFor(now),
      ...(credit ? { credit } : {}),
      ...(fleet.watches.size > 0 ? { signals: summarizeSignals(fleet) } : {}),
      eta:
        this.#phase === 'Progressing'
          ? estimateEnd(fleet, now, this.#deadline)
          : { deadlineAtRisk: false, infeasible: false },
      problems: listProblems(fleet),
      decisions: this.#decisions,
    }
  }

  /** It has neither ended nor been halted. */
  get #canHalt(): boolean {
    return nextPhase(this.#phase, 'halt') !== undefined
  }

  get #canRecall(): boolean {
    return nextPhase(this.#phase, 'recall') !== undefined
  }

  /** Writes down what somebody asked, if it had an effect. */
  #effective(hadEffect: boolean, asked: OperatorEntry): boolean {
    if (hadEffect) this.#recorder?.operator(asked)
    return hadEffect
  }

  #wantRevert(reason: string): boolean {
    if (this.#revertWanted !== undefined || !(this.#canHalt || this.#canRecall)) return false
    this.#revertWanted = reason
    return true
  }

  #beginReverting(): boolean {
    if (this.#unacknowledged || !this.#step('revert')) return false
    this.#reverter = new Reverter(this.#fleet)
    return true
  }

  #step(trigger: RolloutTrigger, reason?: string): boolean {
    const next = nextPhase(this.#phase, trigger)
    if (!next) return false
    this.#phase = next
    this.#reason = reason ?? (trigger === 'resume' ? undefined : this.#reason)
    return true
  }

  #clear(now: number): Verdict {
    return { ...clearVerdict(this.#fleet.evidence), at: now }
  }

  /** Halts on a signal or on evidence; looks only at what changed since the last time. */
  #judge(now: number): void {
    this.#fleet.lookAtSignals()
    const { newFailures, signal, halting } = this.#fleet
    const wanted = this.#revertWanted
    if (!signal && !halting && newFailures.stages.size === 0 && wanted === undefined) return
    if (this.#canHalt || (this.#canRecall && wanted !== undefined)) {
      const found = wanted === undefined ? this.#findings(now) : operatorVerdict(this.#fleet.evidence, wanted)
      if (found) {
        this.#verdict = { ...found, at: now }
        this.#step(this.#canHalt ? 'halt' : 'recall', found.reason)
        this.#opening = undefined
        this.#unacknowledged = { type: 'halt', verdict: this.#verdict }
        this.#decisions++
      }
    }
    this.#revertWanted = undefined
    newFailures.strata.clear()
    newFailures.stages.clear()
  }

  #findings(now: number): Omit<Verdict, 'at'> | undefined {
    const { newFailures, signal, halting, evidence, strategy, comparison } = this.#fleet
    if (signal) return signalVerdict(evidence, signal.id, signal.stratum, signal.input.reason ?? '')
    if (halting) return watchVerdict(halting.name, halting.watch)
    return judge({
      book: evidence,
      budget: strategy.budget,
      comparison,
      now,
      changed: newFailures,
    })
  }

  #startReverting(): void {
    this.#reason ??= this.#verdict?.reason
    if (this.#fleet.strategy.autoRevert || this.#verdict?.rule === 'Operator') this.#beginReverting()
  }

  #revertMore(now: number, decisions: Decision[]): void {
    for (let record = this.#reverter?.next(); record; record = this.#reverter?.next()) {
      decisions.push({ type: 'revert', id: record.id })
      this.#decisions++
    }
    if (this.#fleet.unreverted === 0) this.#complete('Reverted', now, decisions)
  }

  #complete(outcome: 'Completed' | 'Reverted', now: number, decisions: Decision[]): void {
    this.#step(outcome === 'Completed' ? 'complete' : 'reverted')
    this.#unacknowledged = { type: 'complete', outcome, at: now }
    this.#decisions++
    decisions.push(this.#unacknowledged)
  }

  #progress(now: number, decisions: Decision[]): void {
    if (this.#opening) {
      decisions.push(this.#opening.decision)
      return
    }
    const { ready, stages } = this.#fleet
    for (let record = ready.next(); record; record = ready.next()) {
      const { stage, wave } = record
      const attempt = record.marked === 'again' ? attemptOf(record) + 1 : undefined
      this.#fleet.change(record, () => {
        if (attempt === undefined) record.issued = true
        else record.marked = 'retried'
      })
      this.#fleet.settle(record)
      decisions.push({
        type: 'apply',
        id: record.id,
        stage: stage?.strategy.name ?? '',
        wave: wave?.number ?? 0,
        ...(attempt === undefined ? {} : { attempt }),
      })
      this.#decisions++
    }
    while (!this.#gate(now)) {
      const stage = this.#late ?? stages[this.#current]
      if (!stage) {
        if (windowGate(stages)) return
        for (const past of stages) this.#closeWave(past, now, decisions)
        return this.#complete('Completed', now, decisions)
      }
      this.#closeWave(stage, now, decisions)
      if (stage.pool.size > 0) return this.#openWave(stage, now, decisions)
      if (stage.closed > 0) return
      stage.passed = true
      this.#current++
    }
  }

  /** A stage that had nobody when it was passed, and has now: it is treated before the rollout goes on. */
  get #late(): StageState | undefined {
    return this.#fleet.stages.find((stage) => stage.passed && stage.pool.size > 0)
  }

  /** What keeps the rollout from its next step. Before the end every stage must be quiet, also those passed long ago. */
  #gate(now: number): GateSummary | undefined {
    const { stages } = this.#fleet
    const current = stages[this.#current]
    const late = this.#late
    if (current) return stageGate(this.#fleet, current, now) ?? (late && stageGate(this.#fleet, late, now))
    for (const stage of stages) {
      const gate = stageGate(this.#fleet, stage, now)
      if (gate) return gate
    }
    return undefined
  }

  #closeWave(stage: StageState, now: number, decisions: Decision[]): void {
    const wave = lastWave(stage)
    if (!wave || wave.closedAt !== undefined) return
    wave.closedAt = now
    for (const record of Array.from(wave.untouched)) {
      // Held, unreachable or closed: when it can be treated again it waits for a later wave.
      this.#fleet.change(record, () => (record.wave = undefined))
      stage.pool.adjustTaken(record.stratum, -1)
    }
    const name = stage.strategy.name
    decisions.push({ type: 'close-wave', stage: name, wave: wave.number, at: now, verdict: this.#clear(now) })
    this.#decisions++
  }

  #openWave(stage: StageState, now: number, decisions: Decision[]): void {
    const wave = newWave(stage.waves.length + 1, now)
    stage.waves.push(wave)
    const picked = stage.pool.pick(waveSize(stage.strategy, wave.number), this.#fleet.customerShare, {
      first: wave.number === 1,
    })
    for (const record of picked) {
      this.#fleet.countPool(record, -1)
      this.#fleet.assign(record, wave)
    }
    const decision: Of<'open-wave'> = {
      type: 'open-wave',
      stage: stage.strategy.name,
      wave: wave.number,
      size: wave.size,
      at: now,
    }
    this.#opening = { stage, decision }
    this.#decisions++
    decisions.push(decision)
  }

  #waitingFor(now: number): GateSummary {
    if (this.#unacknowledged) return { waitingFor: 'Acknowledgement', message: 'The rollout ends.' }
    if (this.#opening) {
      const { stage, wave, size } = this.#opening.decision
      return { waitingFor: 'Acknowledgement', message: `Wave ${wave} of stage ${stage} opens, with ${size}.` }
    }
    if (this.#phase === 'Paused') return { waitingFor: 'Resume', message: `Paused: ${this.#reason ?? ''}` }
    if (this.#phase === 'Reverting') {
      return { waitingFor: 'Reverts', message: `${this.#fleet.unreverted} targets are yet to be reverted.` }
    }
    const { stages } = this.#fleet
    const stage = stages[this.#current]
    const gate = this.#phase === 'Progressing' ? (this.#gate(now) ?? windowGate(stage ? [stage] : stages)) : undefined
    return gate ?? { waitingFor: 'Nothing', message: '' }
  }
}
