import { EvidenceBook } from './evidence/book.ts'
import { ComparisonWatch, type Comparable } from './evidence/comparison-watch.ts'
import { SignalWatch } from './evidence/e-process.ts'
import { EarnedTime, type Earning } from './earned.ts'
import { DurationSketch } from './eta-sketch.ts'
import { seededHash } from './hash.ts'
import { Heap } from './heap.ts'
import { DEFAULT_HALT_REASONS } from './plan.ts'
import { ReadyQueue, Slots } from './slots.ts'
import { lastWave, newStage, type StageState, type WaveState } from './stage-state.ts'
import {
  attemptOf,
  earningOf,
  hasTimedOut,
  isRunning,
  isTakenBack,
  isTouched,
  isUndecided,
  NO_HISTORY,
  observedOutcome,
  samePlace,
  standingOf,
  type History,
  TargetRecord,
} from './target.ts'
import type { StrategyInput, TargetInput, TargetPhase } from './types.ts'
import { customerLimit } from './wave-size.ts'

interface Timer {
  readonly at: number
  readonly record: TargetRecord
  readonly kind: 'operation' | 'onset'
  /** The start or onset it was set for; another one makes it void. */
  readonly value: number
}

function inRandomOrder(left: TargetRecord, right: TargetRecord): number {
  return left.hash - right.hash || (left.id < right.id ? -1 : 1)
}

/** The observed fleet and everything that is counted from it, kept up to date at O(log n) for each change. */
export class FleetState {
  readonly strategy: StrategyInput
  readonly startedAt: number
  readonly stages: readonly StageState[]
  readonly slots: Slots
  /** Members of open waves that wait for a slot. */
  readonly ready: ReadyQueue
  /** All lines for slots: of `ready`, and of what else waits under the same caps. */
  readonly queues: ReadyQueue[]
  readonly evidence: EvidenceBook
  /** Treated against untreated, when the strategy wants that. */
  readonly comparison: ComparisonWatch | undefined
  /** Healthy time of treated targets, when a stage asks for it. */
  readonly earned: EarnedTime | undefined
  /** Continuous signals by name. */
  readonly watches: ReadonlyMap<string, SignalWatch>
  readonly durations = new DurationSketch()
  readonly counts: Record<TargetPhase, number> = {
    NotAffected: 0,
    Pending: 0,
    Applying: 0,
    Verifying: 0,
    Applied: 0,
    Failed: 0,
    Reverting: 0,
    Reverted: 0,
    Held: 0,
    Unreachable: 0,
  }
  /** Targets that ever were requested, in the order in which that was seen. */
  readonly touched: TargetRecord[] = []
  readonly failed = new Set<TargetRecord>()
  /** In a stage, but held, unreachable or left out. */
  readonly excluded = new Set<TargetRecord>()
  /** Ids of targets that somebody left out, known ones or not. */
  readonly skipped = new Set<string>()
  finished = 0
  failures = 0
  reverted = 0
  /** Touched targets whose revert is not over. */
  unreverted = 0
  /** Where something failed since the judge looked last. */
  readonly newFailures = { strata: new Set<string>(), stages: new Set<StageState>() }
  /** A target that sent a signal that halts at once; of several the one with the smallest id. */
  signal: TargetRecord | undefined
  /** The first continuous signal whose evidence was at its limit. */
  halting: { readonly name: string; readonly watch: SignalWatch } | undefined

  readonly #seed: number
  readonly #haltReasons: ReadonlySet<string>
  readonly #stageByName: ReadonlyMap<string, StageState>
  readonly #records = new Map<string, TargetRecord>()
  readonly #departed = new Map<string, History>()
  readonly #perCustomer = new Map<string, number>()
  readonly #timers = new Heap<Timer>((left, right) => left.at < right.at)
  /** Who is to be tried again, since the last decision. */
  readonly #again = new Set<TargetRecord>()
  /** Of passed stages, since the last decision. */
  readonly #latecomers = new Set<TargetRecord>()
  /** Targets the comparison has to look at again. */
  readonly #uncompared = new Set<TargetRecord>()
  /** Of these, who left. */
  readonly #leaving = new Map<string, TargetRecord>()
  /** Who took part in the comparison and is gone. */
  readonly #gone = new Set<string>()
  #hasSamples = false
  #sequence = 0
  #now: number

  constructor(strategy: StrategyInput, seed: number, startedAt: number) {
    this.strategy = strategy
    this.#seed = seed
    this.#now = startedAt
    this.startedAt = startedAt
    const { compareUntreated, signals = [] } = strategy
    this.evidence = new EvidenceBook(strategy, startedAt)
    this.comparison = compareUntreated ? new ComparisonWatch(startedAt) : undefined
    this.watches = new Map(signals.map((signal) => [signal.name, new SignalWatch(signal)]))
    this.#haltReasons = new Set(strategy.haltReasons ?? DEFAULT_HALT_REASONS)
    this.earned = strategy.stages.some(({ earned }) => earned) ? new EarnedTime(startedAt) : undefined
    this.stages = strategy.stages.map((stage, index) => newStage(index, stage))
    this.#stageByName = new Map(this.stages.map((stage) => [stage.strategy.name, stage]))
    this.slots = new Slots(strategy.maxPerShard, strategy.maxConcurrent)
    this.ready = new ReadyQueue(
      this.slots,
      (record) => this.knows(record) && record.wave !== undefined && standingOf(record) === 'idle',
    )
    this.queues = [this.ready]
  }

  get size(): number {
    return this.#records.size
  }

  get(id: string): TargetRecord | undefined {
    return this.#records.get(id)
  }

  knows(record: TargetRecord): boolean {
    return !record.isGone
  }

  upsert(target: TargetInput): TargetRecord {
    const known = this.#records.get(target.id)
    const isThere = known !== undefined && samePlace(known.meta, target)
    if (known && (isThere || isTouched(known))) {
      const { attempt } = known.input
      this.change(known, () => {
        known.input = target
        if (isThere) known.meta = target
        if (target.requested) known.issued = false
        const isSeen = known.marked === 'retried' && target.attempt !== attempt
        if (isSeen || !target.requested) known.marked = known.marked === 'skipped' ? 'skipped' : undefined
      })
      this.settle(known)
      return known
    }
    if (known) this.remove(known.id)
    const record = this.enter(target)
    this.settle(record)
    return record
  }

  /** Makes a target known without drawing any conclusion from it; `settle` does that. */
  enter(target: TargetInput): TargetRecord {
    const { id } = target
    const record = new TargetRecord(target, seededHash(this.#seed, id), this.#stageByName.get(target.stage))
    if (this.skipped.has(id)) record.marked = 'skipped'
    record.compared = this.#comparedBefore(id)
    record.history = this.#departed.get(id) ?? NO_HISTORY
    this.#departed.delete(id)
    this.#records.set(id, record)
    if (record.stage) {
      this.evidence.know(record.stratum)
      adjust(this.#perCustomer, record.customer, 1)
    }
    this.#tally(record, 1)
    this.earned?.move(record.stratum, undefined, this.#earning(record))
    return record
  }

  /** Where one that comes, perhaps back, stands in the comparison. */
  #comparedBefore(id: string): TargetRecord['compared'] {
    if (!this.comparison) return undefined
    const before = this.#leaving.get(id)
    if (!before) return this.#gone.delete(id) ? null : undefined
    // For the comparison it did not leave.
    this.#leaving.delete(id)
    this.#uncompared.delete(before)
    return before.compared
  }

  /** A request did not come about; who moved in the meantime is where it is now. */
  writeFailed(record: TargetRecord): TargetRecord {
    this.change(record, () => {
      record.issued = false
      if (record.marked === 'retried') record.marked = 'again'
      record.revertIssued = false
    })
    return this.upsert(record.input)
  }

  remove(id: string): void {
    const record = this.#records.get(id)
    if (!record) return
    this.leavePool(record)
    if (record.wave) record.stage?.pool.adjustTaken(record.stratum, -1)
    this.earned?.move(record.stratum, this.#earning(record), undefined)
    this.#tally(record, -1)
    this.#records.delete(id)
    if (record.stage) adjust(this.#perCustomer, record.customer, -1)
    record.isGone = true
    record.closedUntil = undefined
    this.failed.delete(record)
    this.excluded.delete(record)
    if (record.history.requested) this.#departed.set(id, record.history)
    if (this.comparison) {
      this.#uncompared.add(record)
      this.#leaving.set(id, record)
    }
    this.#roomAfter(record, record.input.pair)
  }

  /** The only way to change a record: takes it out of every count, changes it, and counts it again. */
  change(record: TargetRecord, mutate: () => void): void {
    const before = standingOf(record)
    const { pair } = record.input
    const earned = this.earned && this.#earning(record)
    this.#tally(record, -1)
    mutate()
    this.#tally(record, 1)
    this.earned?.move(record.stratum, earned, this.#earning(record))
    const isOver = before === 'busy' && standingOf(record) !== 'busy'
    if (isOver || pair !== record.input.pair) this.#roomAfter(record, pair)
  }

  /** A target ended, left or has another partner than `pair`: who waits for that may go on. */
  #roomAfter({ shard }: TargetRecord, pair: string | undefined): void {
    for (const queue of this.queues) {
      queue.roomIn(shard)
      if (pair !== undefined) queue.roomBeside(pair)
    }
  }

  /** Leaves out who was not asked, now or when it comes; says whether that changes anything. */
  skip(id: string): boolean {
    const record = this.#records.get(id)
    if (this.skipped.has(id) || (record && isTouched(record))) return false
    this.skipped.add(id)
    if (record) {
      this.change(record, () => (record.marked = 'skipped'))
      this.settle(record)
    }
    return true
  }

  /** Lets who failed line up for another attempt; says whether that changes anything. */
  retry(id: string): boolean {
    const record = this.#records.get(id)
    if (!record?.wave || record.input.phase !== 'Failed' || isTakenBack(record)) return false
    if (record.marked === 'again' || record.marked === 'retried') return false
    this.change(record, () => (record.marked = 'again'))
    this.settle(record)
    return true
  }

  /** Puts a target in a wave, for good unless it turns out that it cannot be treated. */
  assign(record: TargetRecord, wave: WaveState): void {
    this.leavePool(record)
    this.change(record, () => {
      record.wave = wave
      record.sequence = ++this.#sequence
    })
  }

  /** Draws the conclusions from what is known of a target now. */
  settle(record: TargetRecord): void {
    this.#keepClosed(record)
    // Timers are dropped while they have nothing to speak of, so who comes back needs new ones.
    if (!isRunning(record)) record.timedSince = undefined
    if (record.input.onsetAt === undefined) record.timedOnset = undefined
    const { phase } = record.input
    const isLeftOut = record.marked === 'skipped' && phase === 'Pending' && !isTouched(record)
    const away = phase === 'Unreachable' || phase === 'Held' || isLeftOut
    if (away && record.stage) this.excluded.add(record)
    else if (this.excluded.size > 0) this.excluded.delete(record)
    if (!isTouched(record)) {
      this.#place(record)
      if (this.comparison) this.#setTimers(record)
      if (this.comparison) this.#uncompared.add(record)
      return
    }
    this.leavePool(record)
    const wave = record.stage && lastWave(record.stage)
    if (!record.wave && wave?.acknowledged) {
      record.stage?.pool.adjustTaken(record.stratum, 1)
      this.assign(record, wave)
    }
    if (!record.history.requested) {
      record.history = { ...NO_HISTORY, requested: true }
      this.touched.push(record)
    }
    const { history } = record
    if (record.input.phase === 'Reverted' && !history.reverted) {
      history.reverted = true
      this.reverted++
    }
    if (record.marked === 'again' && standingOf(record) === 'idle') this.#again.add(record)
    this.#setTimers(record)
    this.#conclude(record)
    if (this.comparison) this.#uncompared.add(record)
    const { reason } = record.input
    if (reason === undefined || !this.#haltReasons.has(reason) || isTakenBack(record)) return
    // Of those that are heard before one decision, it does not matter who was heard first.
    if (!this.signal || record.id < this.signal.id) this.signal = record
  }

  /** Whether the change seems to have harmed it: it failed, is unhealthy, or reports what halts a rollout. */
  isHarmed({ history, input }: TargetRecord): boolean {
    const { outcome } = history
    if (outcome === 'failed' || outcome === 'broken' || input.phase === 'Failed') return true
    return input.onsetAt !== undefined || (input.reason !== undefined && this.#haltReasons.has(input.reason))
  }

  /** Takes in samples of a continuous signal; those of an unknown one are ignored. */
  sample(name: string, bad: number, total: number): void {
    this.watches.get(name)?.observe(bad, total)
    this.#hasSamples = true
  }

  /** Judges the continuous signals by all samples since the last time. */
  lookAtSignals(): void {
    if (!this.#hasSamples) return
    this.#hasSamples = false
    for (const [name, watch] of this.watches) {
      watch.look()
      if (watch.halts) this.halting ??= { name, watch }
    }
  }

  /** Handles the timers that are due and the windows that open. Time never goes back. */
  advance(now: number): void {
    this.#now = Math.max(this.#now, now)
    for (const { windows } of this.stages) {
      for (let record = windows.due(this.#now); record; record = windows.due(this.#now)) this.settle(record)
    }
    for (let timer = this.#timers.peek(); timer && timer.at <= this.#now; timer = this.#timers.peek()) {
      this.#timers.pop()
      const { record, kind, value } = timer
      if (!this.#isLive(timer)) continue
      this.change(record, () => {
        if (kind === 'operation') record.timedOutSince = value
        else record.confirmedOnset = value
      })
      this.settle(record)
    }
    this.#placeLatecomers()
    this.#lineUpAgain()
    this.compare()
  }

  /** Treated against untreated, and what onsets say of the change, by all that was seen before this decision. */
  compare(): void {
    if (!this.comparison) return
    if (this.#uncompared.size > 0) {
      this.comparison.take(this.#uncompared, (record) => this.#comparable(record), this.#now)
      this.#uncompared.clear()
      for (const [id, { compared }] of this.#leaving) if (compared !== undefined) this.#gone.add(id)
      this.#leaving.clear()
    }
    if (this.evidence.hasOnsets) this.evidence.weigh(this.comparison.background(this.#now))
  }

  /** When the next timer is due. */
  nextTimer(): number | undefined {
    for (let timer = this.#timers.peek(); timer; timer = this.#timers.peek()) {
      if (this.#isLive(timer)) return timer.at
      this.#timers.pop()
    }
    return undefined
  }

  /** When the next window opens in the stages up to the one with this index. */
  nextOpening(last: number): number | undefined {
    let first: number | undefined
    for (const { index, windows } of this.stages) {
      const at = index <= last ? windows.next() : undefined
      if (at !== undefined && (first === undefined || at < first)) first = at
    }
    return first
  }

  /** How many targets of `customer` may be in one wave. */
  readonly customerShare = (customer: string): number =>
    customerLimit(this.strategy, this.#perCustomer.get(customer) ?? 0)

  leavePool(record: TargetRecord): void {
    if (record.stage?.pool.delete(record)) this.countPool(record, -1)
  }

  /** Keeps the count of those who wait by shard and stratum; `pick` takes out of the pool without telling. */
  countPool({ stage, shard, stratum }: TargetRecord, by: number): void {
    if (!stage) return
    const { waitingPerShard, waitingPerStratum } = stage
    waitingPerShard.set(shard, (waitingPerShard.get(shard) ?? 0) + by)
    if (!this.earned) return
    const before = waitingPerStratum.get(stratum) ?? 0
    if (before + by > 0) waitingPerStratum.set(stratum, before + by)
    else waitingPerStratum.delete(stratum)
    if (before === 0 || before + by === 0) this.earned.version++
  }

  /** Who is in no stage is not of this rollout, and earns nothing for it. */
  #earning(record: TargetRecord): Earning {
    return record.stage && earningOf(record, this.strategy.operationTimeoutMs)
  }

  /** A target that nobody asked is closed while its window has not opened. */
  #keepClosed(record: TargetRecord): void {
    const { phase, notBefore } = record.input
    if (notBefore === undefined && record.closedUntil === undefined) return
    const isFirst = phase === 'Pending' && !isTouched(record) && record.marked !== 'skipped'
    const isAgain = phase === 'Failed' && record.marked === 'again' && !isTakenBack(record)
    const isWaiting = record.stage !== undefined && (isFirst || isAgain)
    const until = isWaiting && notBefore !== undefined && notBefore > this.#now ? notBefore : undefined
    if (until === record.closedUntil) return
    this.change(record, () => (record.closedUntil = until))
    record.stage?.windows.add(record)
  }

  /** A target that nobody asked waits in the pool of its stage or, in a wave, for a slot. */
  #place(record: TargetRecord): void {
    const { stage } = record
    if (!stage) return
    if (standingOf(record) !== 'idle') {
      this.leavePool(record)
      return
    }
    const last = lastWave(stage)
    if (!record.wave && stage.passed && last?.acknowledged) this.#latecomers.add(record)
    if (record.wave) {
      if (record.wave.acknowledged) this.ready.add(record, record.sequence)
    } else if (!stage.pool.has(record)) {
      stage.pool.add(record)
      this.countPool(record, 1)
    }
  }

  /**
   * Who joins a passed stage comes with its last wave: in the random order of the stage, whoever was heard of first. One
   * whose partner is in that wave stays in the pool, for a wave after it.
   */
  #placeLatecomers(): void {
    if (this.#latecomers.size === 0) return
    const latecomers = Array.from(this.#latecomers).sort(inRandomOrder)
    this.#latecomers.clear()
    for (const record of latecomers) {
      const last = record.stage && lastWave(record.stage)
      if (!last || !this.knows(record) || record.wave || standingOf(record) !== 'idle') continue
      const { pair } = record.input
      if (pair !== undefined && last.pairs.has(pair)) continue
      record.stage?.pool.adjustTaken(record.stratum, 1)
      this.assign(record, last)
      this.ready.add(record, record.sequence)
    }
  }

  /** Who is to be tried again waits for a slot as others do: in the random order of its stage, whoever was asked for first. */
  #lineUpAgain(): void {
    if (this.#again.size === 0) return
    const waiting = Array.from(this.#again).sort(inRandomOrder)
    this.#again.clear()
    for (const record of waiting) {
      if (!this.knows(record) || record.marked !== 'again' || standingOf(record) !== 'idle') continue
      this.change(record, () => (record.sequence = ++this.#sequence))
      this.ready.add(record, record.sequence)
    }
  }

  #setTimers(record: TargetRecord): void {
    const { since, onsetAt } = record.input
    if (since !== undefined && record.timedSince !== since && isRunning(record)) {
      record.timedSince = since
      const at = since + this.strategy.operationTimeoutMs + 1
      this.#timers.push({ at, record, kind: 'operation', value: since })
    }
    if (onsetAt === undefined || record.timedOnset === onsetAt) return
    const grace = this.strategy.onsetGraceMs ?? 0
    record.timedOnset = onsetAt
    if (grace === 0) this.change(record, () => (record.confirmedOnset = onsetAt))
    else this.#timers.push({ at: onsetAt + grace, record, kind: 'onset', value: onsetAt })
  }

  #isLive({ record, kind, value }: Timer): boolean {
    if (!this.knows(record)) return false
    return kind === 'operation' ? record.input.since === value && isRunning(record) : record.input.onsetAt === value
  }

  /** Counts the outcome, once, and only ever from applied to a failure afterwards. */
  #conclude(record: TargetRecord): void {
    const { history, stage, input } = record
    if (stage && standingOf(record) === 'done' && !isTakenBack(record)) {
      const timeout = this.strategy.operationTimeoutMs
      const ended =
        input.completedAt ?? (hasTimedOut(record) && input.since !== undefined ? input.since + timeout : this.#now)
      stage.lastCompletionAt = Math.max(stage.lastCompletionAt ?? ended, ended)
    }
    const outcome = observedOutcome(record, this.strategy.operationTimeoutMs)
    const before = history.outcome
    if (!stage || !outcome || outcome === before || (before && before !== 'applied')) return
    this.change(record, () => (history.outcome = outcome))
    if (!before) {
      history.countedIn = record.wave?.number ?? 0
      this.finished++
      if (input.since !== undefined && input.completedAt !== undefined) {
        this.durations.add(input.completedAt - input.since)
      }
    }
    const place = { stage: stage.index, wave: history.countedIn, stratum: record.stratum }
    const { onsetAt } = input
    if (outcome === 'broken' && this.comparison && onsetAt !== undefined) {
      this.evidence.countOnset(place, before, onsetAt - (input.completedAt ?? input.since ?? onsetAt))
    } else this.evidence.count(place, before, outcome)
    if (outcome === 'applied') return
    this.failures++
    this.failed.add(record)
    this.newFailures.strata.add(record.stratum)
    this.newFailures.stages.add(stage)
  }

  /** Who is in reach and neither failed nor is being taken back takes part in the comparison. */
  #comparable(record: TargetRecord): Comparable | undefined {
    if (!record.stage || !this.knows(record)) return undefined
    const { stage, input, history, stratum } = record
    const failed = history.outcome === 'failed' || input.phase === 'Failed'
    if (failed || standingOf(record) === 'excluded' || isTakenBack(record)) return undefined
    const { onsetAt, since, completedAt, healthySince } = input
    return {
      stage: stage.strategy.name,
      stratum,
      exposedAt: isTouched(record) ? (since ?? completedAt) : undefined,
      illAt: record.confirmedOnset === onsetAt ? onsetAt : undefined,
      wellAt: healthySince,
    }
  }

  #tally(record: TargetRecord, by: 1 | -1): void {
    const { stage, wave, input } = record
    const { outcome } = record.history
    const standing = standingOf(record)
    const touched = isTouched(record)
    this.counts[input.phase] += by
    if (standing === 'busy') this.slots.adjust(record, by)
    if (touched && !(isTakenBack(record) && standing !== 'busy')) this.unreverted += by
    if (!stage) return
    if (touched || input.phase !== 'NotAffected') stage.targets += by
    if (standing === 'closed') {
      stage.closed += by
      adjust(stage.openings, record.closedUntil ?? 0, by)
      if (!touched) this.countPool(record, by)
    }
    if (standing === 'busy') stage.busy += by
    if (standing === 'busy' || (wave && standing === 'idle')) adjust(stage.atWork, record.shard, by)
    if (standing === 'busy' && input.since !== undefined) {
      stage.running += by
      stage.starts += by * (input.since - this.startedAt)
    }
    const isFirstAttempt = isRunning(record) && attemptOf(record) === 1 && !isTakenBack(record)
    if (standing === 'busy' && input.since !== undefined && isFirstAttempt) {
      this.evidence.running(record.stratum, by, input.since)
    }
    if (isUndecided(record)) stage.undecided += by
    if (outcome) stage[outcome] += by
    if (!wave) return
    if (standing === 'idle') stage.idle += by
    wave.size += by
    if (input.pair !== undefined) {
      const together = (wave.pairs.get(input.pair) ?? 0) + by
      if (together > 0) wave.pairs.set(input.pair, together)
      else wave.pairs.delete(input.pair)
    }
    if (outcome) wave[outcome] += by
    if (touched) wave.requested += by
    else if (by > 0) wave.untouched.add(record)
    else wave.untouched.delete(record)
  }
}

/** Changes a count; of what there is none, none is kept. */
function adjust<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
