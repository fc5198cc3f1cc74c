import { activeHold, fixMatcher, heldStatus } from '@locktender/fleet'
import type {
  ComponentFix,
  ControlPlane,
  FixMatcher,
  Rollout,
  RolloutSpec,
  RolloutStatus,
  SingledOut,
  StateCounts,
  TargetState,
} from '@locktender/fleet'
import { deepEqual, objectKey } from '@locktender/kube'
import { RolloutEngine } from '@locktender/rollout'
import type { Decision, LogEntry, TargetInput } from '@locktender/rollout'
import { withFreeze } from '../frozen-until.ts'
import type { Frozen } from '../frozen-until.ts'
import { historyOf } from '../operation-history.ts'
import { observe } from '../rollout-inputs.ts'
import type { Observation } from '../rollout-inputs.ts'
import { persistedOf } from '../rollout-status.ts'
import { SignalWindows } from '../signal-windows.ts'
import { strategyInput } from '../strategy-input.ts'

/** States in which a control plane occupies a place under the caps. */
const IN_FLIGHT: ReadonlySet<TargetState> = new Set(['Scheduled', 'Applying', 'Verifying', 'Reverting'])

/** A write of the override that was refused for good. */
interface Refusal {
  readonly reason: string
  readonly message: string
  readonly write: 'apply' | 'revert'
  /** What was refused; another generation or object is worth another attempt. */
  readonly version: string
}

export interface RunOptions {
  readonly rollout: Rollout
  readonly fix: ComponentFix
  readonly controlPlanes: Iterable<ControlPlane>
  readonly now: () => number
  readonly reachable: (managementCluster: string) => boolean
  /** How many operations this run may have on a management cluster, given what others have there. */
  readonly maxPerShard: (managementCluster: string) => number
  /** What keeps a control plane from being treated now. */
  readonly frozen: (controlPlane: ControlPlane) => Frozen | undefined
  /** Whether what a control plane suffers from is the fault of another rollout. */
  readonly isExcused: (id: string) => boolean
}

/** What came of an event. */
export interface Effect {
  /** The rollout has to be looked at again. */
  readonly changed: boolean
  /** A place under the caps became free. */
  readonly freed: boolean
}

/**
 * One rollout in memory: counts by state, places taken on management clusters and, once approved, the engine. It holds
 * nothing that is not in the objects, so it can be dropped and made again at any moment. O(log n) for each event.
 */
export class RolloutRun {
  /** As last read; its status may be older than the one last written. */
  rollout: Rollout
  engine: RolloutEngine | undefined
  readonly fix: ComponentFix
  readonly #options: RunOptions
  readonly #matcher: FixMatcher
  /** Control planes that the fix concerns. */
  readonly #observations = new Map<string, Observation>()
  readonly #shards = new Map<string, Set<string>>()
  readonly #counts = new Map<TargetState, number>()
  /** Writes decided but not seen in an object yet: the attempt, from 1, or 0 for a revert. */
  readonly #issued = new Map<string, number>()
  readonly #busy = new Map<string, Set<string>>()
  readonly #refusals = new Map<string, Refusal>()
  /** Samples of the signals that the strategy watches. */
  readonly #signals: SignalWindows | undefined
  readonly #skipped = new Map<string, SingledOut>()
  /** Attempts that people want, by control plane; one when nobody asked. */
  readonly #attempts = new Map<string, number>()
  /** Entries of `spec.retry` that were taken in. */
  #heeded = 0
  /** Holds that end by themselves. */
  readonly #holds = new Map<string, number>()

  constructor(options: RunOptions) {
    this.#options = options
    this.rollout = options.rollout
    this.fix = options.fix
    this.#matcher = fixMatcher(options.fix)
    const { signals = [] } = options.rollout.spec.strategy
    if (signals.length > 0) this.#signals = new SignalWindows(signals)
    this.heed(options.rollout.spec)
    for (const controlPlane of options.controlPlanes) this.observe(controlPlane)
  }

  /** Begins, or goes on from where `status` says. `log` gets all that the engine is told and decides. */
  start(status: RolloutStatus | undefined, log: (entry: LogEntry) => void): void {
    const { spec } = this.rollout
    const now = this.#options.now()
    const history = historyOf(this.rollout)
    this.engine = RolloutEngine.create({
      strategy: { ...strategyInput(spec.strategy, this.#options.maxPerShard), ...(history && { history }) },
      seed: spec.seed,
      targets: this.inputs(),
      startedAt: status?.startTime === undefined ? now : Date.parse(status.startTime),
      deadline: Date.parse(spec.deadline),
      persisted: {
        ...(status === undefined ? { stages: [] } : persistedOf(status)),
        skipped: [...this.#skipped.keys()],
      },
      log,
    })
  }

  /** Takes in a new or changed control plane. */
  observe(controlPlane: ControlPlane): Effect {
    const id = objectKey(controlPlane)
    const before = this.#observations.get(id)
    const wasBusy = this.#isBusy(id)
    const refusal = this.#refusals.get(id)
    if (refusal !== undefined && refusal.version !== versionOf(controlPlane)) {
      this.#refusals.delete(id)
      if (refusal.write === 'revert') this.engine?.writeFailed(id)
    }
    const after = this.#fold(controlPlane)
    if (after.status.state === 'NotAffected' && before === undefined) return { changed: false, freed: false }
    if (isSeen(this.#issued.get(id), after.input)) this.#issued.delete(id)
    this.#enter(id, after, controlPlane)
    this.#watch(id, after, controlPlane)
    const changed = before === undefined || !deepEqual(before, after)
    if (changed) this.engine?.apply({ type: 'upsert', target: after.input })
    return { changed, freed: wasBusy && !this.#isBusy(id) }
  }

  /** Forgets a control plane that is gone. */
  remove(id: string): Effect {
    const observation = this.#observations.get(id)
    if (observation === undefined) return { changed: false, freed: false }
    const freed = this.#isBusy(id)
    this.#count(observation.status.state, -1)
    this.#observations.delete(id)
    this.#issued.delete(id)
    this.#refusals.delete(id)
    this.#holds.delete(id)
    this.#signals?.drop(id)
    this.#shards.get(observation.input.shard)?.delete(id)
    this.#busy.get(observation.input.shard)?.delete(id)
    this.engine?.apply({ type: 'remove', id })
    return { changed: true, freed }
  }

  /** Notes the writes that were decided, from the moment of the decision on. */
  issued(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (decision.type !== 'apply' && decision.type !== 'revert') continue
      this.#issued.set(decision.id, decision.type === 'apply' ? (decision.attempt ?? 1) : 0)
      this.#occupy(decision.id)
    }
  }

  /** Says that a decided write did not happen. */
  notWritten(id: string): void {
    this.#settleIssued(id)
    this.engine?.writeFailed(id)
  }

  /** Says that the API server refused a write for good; the control plane is blocked until it changes. */
  refused(controlPlane: ControlPlane, write: 'apply' | 'revert', reason: string, message: string): void {
    const id = objectKey(controlPlane)
    this.#refusals.set(id, { write, reason, message, version: versionOf(controlPlane) })
    this.observe(controlPlane)
    // A refused revert stays decided, so that the rollout does not end as reverted, and is tried again after a change.
    if (write === 'apply') this.notWritten(id)
    else this.#settleIssued(id)
  }

  /** Tells the engine what treated control planes counted up to `now`; says whether that was anything. */
  sample(now: number): boolean {
    const taken = this.#signals?.take(now) ?? []
    for (const samples of taken) this.engine?.apply({ type: 'samples', ...samples })
    return taken.length > 0
  }

  /** When there is more to tell of what they count; undefined when there will be nothing. */
  get nextSample(): number | undefined {
    return this.#signals?.dueAt
  }

  /**
   * Takes in what people ask for single control planes. Gives those that have to be observed anew, as they are left out,
   * or as a write that was refused is worth another try.
   */
  heed({ skip = [], retry = [] }: Pick<RolloutSpec, 'skip' | 'retry'>): string[] {
    const changed: string[] = []
    for (const asked of skip) {
      if (this.#skipped.has(asked.controlPlane)) continue
      this.#skipped.set(asked.controlPlane, asked)
      changed.push(asked.controlPlane)
    }
    for (const { controlPlane } of retry.slice(this.#heeded)) {
      this.#attempts.set(controlPlane, (this.#attempts.get(controlPlane) ?? 1) + 1)
      if (this.#refusals.get(controlPlane)?.write === 'apply') this.#refusals.delete(controlPlane)
      changed.push(controlPlane)
    }
    this.#heeded = retry.length
    return changed.filter((id) => this.#observations.has(id))
  }

  /** Control planes that somebody left out. */
  get skipped(): Iterable<string> {
    return this.#skipped.keys()
  }

  /** Control planes on which the fix failed and which somebody wants tried again. */
  retries(): string[] {
    return [...this.#attempts.keys()].filter((id) => this.#wantsRetry(this.#observations.get(id)))
  }

  #wantsRetry(observation: Observation | undefined): boolean {
    if (observation === undefined) return false
    const { status, input } = observation
    const wanted = this.#attempts.get(input.id) ?? 1
    return status.state === 'Failed' && input.requested && (input.attempt ?? 1) < wanted
  }

  /** Control planes whose holds have ended by `now`. */
  endedHolds(now: number): string[] {
    return [...this.#holds].filter(([, end]) => end <= now).map(([id]) => id)
  }

  /** When the next hold ends. */
  nextHoldEnd(): number | undefined {
    return this.#holds.size === 0 ? undefined : Math.min(...this.#holds.values())
  }

  /** Control planes that nothing was asked of yet, and that could be treated but for a freeze. */
  pending(): string[] {
    const waiting = [...this.#observations].filter(([, { status }]) => status.state === 'Pending').map(([id]) => id)
    return [...waiting, ...this.retries()]
  }

  /** What the engine knows of all control planes that the fix concerns. */
  inputs(): TargetInput[] {
    return Array.from(this.#observations.values(), ({ input }) => input)
  }

  onManagementCluster(name: string): string[] {
    return [...(this.#shards.get(name) ?? [])]
  }

  /** Places this run takes under the caps of a management cluster. */
  busyOn(managementCluster: string): number {
    return this.#busy.get(managementCluster)?.size ?? 0
  }

  stateOf(id: string): TargetState | undefined {
    return this.#observations.get(id)?.status.state
  }

  /** The image the fix has for a control plane. */
  imageFor(id: string): string | undefined {
    return this.#observations.get(id)?.status.image
  }

  /** Counts by state, without those that count none and without NotAffected, which is most of the fleet. */
  counts(): StateCounts {
    const counts: { [State in TargetState]?: number } = {}
    for (const [state, count] of this.#counts) if (count > 0 && state !== 'NotAffected') counts[state] = count
    return counts
  }

  /** Who has the fix is sampled from the end of its change on. */
  #watch(id: string, { input, status }: Observation, controlPlane: ControlPlane): void {
    if (this.#signals === undefined) return
    const { reachable, now } = this.#options
    const isTreated = input.requested && (status.state === 'Applied' || status.state === 'Unknown')
    if (!isTreated || input.completedAt === undefined) return this.#signals.drop(id)
    const isReachable = reachable(controlPlane.metadata.namespace ?? '')
    this.#signals.see(id, controlPlane, input.completedAt, isReachable, now())
  }

  #fold(controlPlane: ControlPlane): Observation {
    const id = objectKey(controlPlane)
    const { reachable, now } = this.#options
    const observation = observe(controlPlane, {
      matcher: this.#matcher,
      rollout: this.rollout.metadata.name,
      followsUp: this.rollout.spec.followUpOf !== undefined,
      strategy: this.rollout.spec.strategy,
      now: now(),
      reachable: reachable(controlPlane.metadata.namespace ?? ''),
      compareUntreated: this.rollout.spec.strategy.compareUntreated === true,
      earnsHours: this.rollout.spec.strategy.stages.some(({ earned }) => earned !== undefined),
    })
    const refusal = this.#refusals.get(id)
    if (refusal === undefined) {
      return this.#excused(this.#underFreeze(this.#underHold(this.#leftOut(observation), controlPlane), controlPlane))
    }
    const { reason, message } = refusal
    return {
      status: { ...observation.status, state: 'Blocked', reason, message },
      input: { ...observation.input, phase: 'Held', reason, message },
    }
  }

  /** Who is left out counts as held; the engine knows it by itself. */
  #leftOut({ status, input }: Observation): Observation {
    const skipped = this.#skipped.get(input.id)
    if (skipped === undefined || status.state !== 'Pending' || input.requested) return { status, input }
    const message = `${skipped.by ?? 'Somebody'} left it out of this rollout: ${skipped.reason}`
    const why = { reason: 'Skipped', message }
    return { status: { ...status, ...why, state: 'Held' }, input: { ...input, ...why } }
  }

  /** A hold keeps a control plane from being tried again, too. */
  #underHold({ status, input }: Observation, controlPlane: ControlPlane): Observation {
    const hold = this.#wantsRetry({ status, input }) ? activeHold(controlPlane, this.#options.now()) : undefined
    if (hold === undefined) return { status, input }
    const { reason = 'Hold', message = '' } = heldStatus(hold)
    return { status, input: { ...input, phase: 'Held', reason, message } }
  }

  #underFreeze({ status, input }: Observation, controlPlane: ControlPlane): Observation {
    const isWaiting = status.state === 'Pending' || this.#wantsRetry({ status, input })
    const frozen = isWaiting ? this.#options.frozen(controlPlane) : undefined
    if (frozen === undefined) return { status, input }
    const { until, reason, message } = frozen
    return { status: withFreeze(status, frozen), input: { ...input, notBefore: until, reason, message } }
  }

  /** What is another's fault is not held against this one. */
  #excused({ status, input }: Observation): Observation {
    if (input.onsetAt === undefined || !input.requested || !this.#options.isExcused(input.id)) return { status, input }
    const { onsetAt: _, reason: __, message: ___, ...rest } = input
    return { status, input: rest }
  }

  #enter(id: string, observation: Observation, controlPlane: ControlPlane): void {
    const before = this.#observations.get(id)
    if (before !== undefined) this.#count(before.status.state, -1)
    this.#count(observation.status.state, 1)
    this.#observations.set(id, observation)
    const { shard } = observation.input
    const members = this.#shards.get(shard)
    if (members === undefined) this.#shards.set(shard, new Set([id]))
    else members.add(id)
    this.#occupy(id)
    const ends = (controlPlane.spec.holds ?? []).flatMap(({ expires }) => {
      const end = expires === undefined ? Infinity : Date.parse(expires)
      return end > this.#options.now() && end < Infinity ? [end] : []
    })
    if (ends.length > 0) this.#holds.set(id, Math.min(...ends))
    else this.#holds.delete(id)
  }

  #count(state: TargetState, by: number): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + by)
  }

  #settleIssued(id: string): void {
    this.#issued.delete(id)
    this.#occupy(id)
  }

  #isBusy(id: string): boolean {
    const observation = this.#observations.get(id)
    return observation !== undefined && (this.#issued.has(id) || IN_FLIGHT.has(observation.status.state))
  }

  #occupy(id: string): void {
    const shard = this.#observations.get(id)?.input.shard
    if (shard === undefined) return
    const busy = this.#busy.get(shard) ?? new Set()
    if (this.#isBusy(id)) busy.add(id)
    else busy.delete(id)
    this.#busy.set(shard, busy)
  }
}

function isSeen(issued: number | undefined, { requested, attempt = 1 }: TargetInput): boolean {
  if (issued === undefined) return false
  return requested ? issued > 0 && attempt >= issued : issued === 0
}

function versionOf({ metadata }: ControlPlane): string {
  return `${metadata.uid ?? ''} ${metadata.generation ?? 0}`
}
