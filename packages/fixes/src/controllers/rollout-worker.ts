import { controlPlanes, freezeWindows, managementClusters, rollouts } from '@locktender/fleet'
import type {
  ControlPlane,
  FreezeWindow,
  ManagementCluster,
  Rollout,
  RolloutOutlook,
  RolloutPhase,
  RolloutStatus,
  TargetState,
} from '@locktender/fleet'
import { createMergePatch, deepEqual, isConflict, isFieldConflict } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import type { Decision, RolloutEngine, RolloutSummary, Scenario } from '@locktender/rollout'
import type { ClusterView, World } from '@locktender/runtime'
import type { CountedApprovals } from '../approvals.ts'
import { pastDurations } from '../past-durations.ts'
import { Prospects } from '../prospects.ts'
import { rolloutScenario } from '../rollout-scenario.ts'
import { hasInFlight, isOver, runningStatus, waitingStatus } from '../rollout-status.ts'
import type { StatusInput } from '../rollout-status.ts'
import { LogWriter } from './log-writer.ts'
import type { WaitsFor } from '../waits-for.ts'
import { isRefusal, writeOverride } from './override-writer.ts'
import type { RolloutRun } from './rollout-run.ts'

/** Counts change with every event of a control plane; the status follows at this pace, in milliseconds. */
const STATUS_INTERVAL_MS = 10_000

/** Specs written side by side. */
const WRITES_AT_ONCE = 16

/** The other rollouts, as one of them sees them. */
export interface Neighbours {
  evidence(): Pick<RolloutStatus, 'exposure' | 'suspects'>
  /** The one that has to go on or end before this one may begin, of which `outlook` is expected. */
  waitsFor(outlook: RolloutOutlook | undefined): WaitsFor | undefined
}

/** Ends a rollout from outside its spec. */
export interface Ending {
  readonly reason: string
  readonly message: string
}

type Change = Extract<Decision, { type: 'apply' | 'revert' }>
type OpenWave = Extract<Decision, { type: 'open-wave' }>

/** Carries out what the engine of one rollout decides. What must survive a crash is stored before it is acted upon. */
export class RolloutWorker {
  readonly run: RolloutRun
  readonly #world: World
  readonly #neighbours: Neighbours
  /** The status as last read or written, and the version of the object that has it. */
  #stored: RolloutStatus | undefined
  #resourceVersion: string | undefined
  #isVoid = false
  /** Something changed that the stored status does not tell. */
  #dirty = true
  #writtenAt = -Infinity
  #approvals: CountedApprovals = []
  #waitsFor: WaitsFor | undefined
  /** Answers to our writes that the watch has not caught up with. */
  readonly #answers = new Map<string, ControlPlane>()
  readonly #prospects: Prospects
  readonly #log: LogWriter

  constructor(run: RolloutRun, world: World, neighbours: Neighbours) {
    this.run = run
    this.#neighbours = neighbours
    this.#world = world
    this.#stored = run.rollout.status
    this.#resourceVersion = run.rollout.metadata.resourceVersion
    this.#prospects = new Prospects(this.#stored)
    this.#log = new LogWriter(run.rollout, world)
  }

  /** As last read or written. */
  get status(): RolloutStatus | undefined {
    return this.#stored
  }

  /** It could begin but for another one. */
  get isWaiting(): boolean {
    return this.#waitsFor !== undefined
  }

  /** What is in memory may not be what is stored; to be made again from the objects. */
  get isVoid(): boolean {
    return this.#isVoid
  }

  /** The rollout is over, and all of it is told. */
  get isDone(): boolean {
    return !this.#dirty && this.#isAtEnd(this.#stored?.phase) && this.#log.dueAt(true) === Infinity
  }

  /** Says that something changed that the status tells. */
  touch(): void {
    this.#dirty = true
  }

  /** Nothing more is decided, and nothing is on its way. */
  #isAtEnd(phase: RolloutPhase | undefined): boolean {
    return isOver(phase) && !hasInFlight(this.run.counts())
  }

  /** Does what is to be done now; gives the time at which there may be more without any event. */
  async work(
    approvals: CountedApprovals,
    hub: ClusterView,
    signal: AbortSignal,
    ending?: Ending,
  ): Promise<number | undefined> {
    this.#heed(hub)
    const engine = this.run.engine ?? this.#begin(approvals, hub, ending)
    if (engine === undefined) return this.#wait(approvals, hub, ending)
    this.#intervene(engine, ending)
    const failure = await this.#carryOut(engine, hub, signal)
    const now = this.#world.clock.now()
    const summary = engine.summary(now)
    const isAtEnd = this.#isAtEnd(summary.phase)
    if (now >= this.#log.dueAt(isAtEnd)) await this.#writeLog(hub)
    const turned =
      summary.phase !== this.#stored?.phase ||
      summary.stage !== this.#stored.stage ||
      summary.wave !== this.#stored.wave
    if (turned || this.#isStatusDue(now) || now >= this.#prospects.dueAt) {
      await this.#storeRunning(engine, summary, hub, { now, milestone: false })
    }
    if (failure !== undefined) throw failure
    const due = Math.min(
      engine.nextDue(now) ?? Infinity,
      isOver(summary.phase) ? Infinity : (this.run.nextSample ?? Infinity),
      this.#nextStatus(),
      this.#prospects.dueAt,
      this.#log.dueAt(isAtEnd),
    )
    return due === Infinity ? undefined : due
  }

  /** Starts the engine of a rollout that is approved or was started before. */
  #begin(approvals: CountedApprovals, hub: ClusterView, ending: Ending | undefined): RolloutEngine | undefined {
    const { spec } = this.run.rollout
    const started = this.#stored !== undefined && this.#stored.phase !== 'AwaitingApproval'
    this.#waitsFor = undefined
    if (!started) {
      if (spec.abort !== undefined || spec.revert !== undefined || ending !== undefined) return undefined
      if (approvals.length < spec.strategy.approvals) return undefined
      const now = this.#world.clock.now()
      const scenario = () => this.#scenario(hub)
      this.#waitsFor = this.#neighbours.waitsFor(this.#prospects.lookAhead(scenario, now))
      if (this.#waitsFor !== undefined) return undefined
      this.#prospects.begin(scenario, now)
    }
    this.#approvals = started ? this.#stored!.approvals : approvals
    this.run.start(this.#stored, this.#log.add)
    return this.run.engine
  }

  /** Keeps the status of a rollout that must not begin. */
  async #wait(approvals: CountedApprovals, hub: ClusterView, ending?: Ending): Promise<number | undefined> {
    const { abort, revert } = this.run.rollout.spec
    const now = this.#world.clock.now()
    const given = abort ?? revert
    const aborted = ending ?? (given === undefined ? undefined : { reason: 'Aborted', message: given.reason })
    const looked = aborted === undefined && this.#prospects.wait(() => this.#scenario(hub), now)
    const waitsFor = this.#waitsFor
    const isOther =
      !deepEqual(this.#stored?.approvals, approvals) || !deepEqual(this.#stored?.waitsFor ?? null, waitsFor ?? null)
    if (looked || aborted !== undefined || isOther || this.#isStatusDue(now)) {
      this.#approvals = approvals
      const input = { ...this.#input(now), expected: this.#prospects.ahead(), waitsFor }
      await this.#store(waitingStatus(input, aborted), hub)
    }
    return Math.min(this.#nextStatus(), aborted === undefined ? this.#prospects.dueAt : Infinity)
  }

  /** What is asked for single control planes changes what they are to the rollout. */
  #heed(hub: ClusterView): void {
    const fleet = hub.cache<ControlPlane>(controlPlanes)
    for (const id of this.run.heed(this.run.rollout.spec)) {
      const controlPlane = fleet.get(id)
      if (controlPlane !== undefined && this.run.observe(controlPlane).changed) this.#dirty = true
    }
  }

  #intervene(engine: RolloutEngine, ending: Ending | undefined): void {
    const { log } = this.#world
    const rollout = this.run.rollout.metadata.name
    for (const controlPlane of this.run.skipped) {
      if (engine.skip(controlPlane)) log.info('Left a control plane out', { rollout, controlPlane })
    }
    for (const controlPlane of this.run.retries()) {
      if (engine.retry(controlPlane)) log.info('Tries a control plane again', { rollout, controlPlane })
    }
    const { abort, pause, revert, expedite } = this.run.rollout.spec
    if (expedite !== undefined && engine.expedite(expedite.stage, expedite.wave)) {
      this.#dirty = true
      this.#world.log.info('Ended a soak early', { rollout: this.run.rollout.metadata.name, ...expedite })
    }
    if (ending !== undefined) engine.abort(ending.message)
    else if (revert !== undefined) engine.revertNow(revert.reason)
    else if (abort !== undefined) engine.abort(abort.reason)
    else if (pause !== undefined) engine.pause(pause.reason)
    else if (engine.phase === 'Paused') engine.resume()
  }

  /** Decides and acts until there is nothing more to do now. Gives the first failure that is worth another try. */
  async #carryOut(engine: RolloutEngine, hub: ClusterView, signal: AbortSignal): Promise<unknown> {
    while (!signal.aborted) {
      if (this.run.sample(this.#world.clock.now())) this.#dirty = true
      const decisions = engine.decide(this.#world.clock.now())
      if (decisions.length === 0) return undefined
      this.#dirty = true
      this.run.issued(decisions)
      await this.#storeMilestones(engine, decisions, hub)
      const changes = decisions.filter((decision) => decision.type === 'apply' || decision.type === 'revert')
      const failures: unknown[] = []
      for (let index = 0; index < changes.length; index += WRITES_AT_ONCE) {
        const some = changes.slice(index, index + WRITES_AT_ONCE)
        await Promise.all(some.map((change) => this.#change(change, hub, signal, failures)))
      }
      if (failures.length > 0) return failures[0]
    }
    return undefined
  }

  /**
   * Waves, halts and ends are stored before the engine is told, so before any write that follows from them; so is the
   * new size of a wave that late joiners were added to.
   */
  async #storeMilestones(engine: RolloutEngine, decisions: readonly Decision[], hub: ClusterView): Promise<void> {
    const milestones = decisions.filter((decision) => decision.type !== 'apply' && decision.type !== 'revert')
    const now = this.#world.clock.now()
    const summary = engine.summary(now)
    if (milestones.length === 0 && !this.#hasGrown(decisions, summary)) return
    const opening = milestones.find((decision): decision is OpenWave => decision.type === 'open-wave')
    await this.#storeRunning(engine, summary, hub, { now, milestone: true, ...(opening && { opening }) })
    if (milestones.length > 0) await this.#writeLog(hub)
    const { log } = this.#world
    const rollout = this.run.rollout.metadata.name
    for (const decision of milestones) {
      engine.acknowledge(decision)
      if (decision.type === 'open-wave') {
        log.info('Opened a wave', { rollout, stage: decision.stage, wave: decision.wave, size: decision.size })
      } else if (decision.type === 'halt') {
        log.warn('Halted the rollout', { rollout, reason: decision.verdict.reason, message: decision.verdict.message })
      } else if (decision.type === 'complete') {
        log.info('Ended the rollout', { rollout, outcome: decision.outcome })
      }
    }
  }

  /** Whether a wave about to be applied to has more members than the stored status says. */
  #hasGrown(decisions: readonly Decision[], summary: RolloutSummary): boolean {
    const stored = waveSizes(this.#stored?.stages ?? [])
    const sizes = waveSizes(summary.stages)
    return decisions.some((decision) => {
      if (decision.type !== 'apply') return false
      const wave = `${decision.stage} ${decision.wave}`
      return (sizes.get(wave) ?? 0) > (stored.get(wave) ?? 0)
    })
  }

  async #change(change: Change, hub: ClusterView, signal: AbortSignal, failures: unknown[]): Promise<void> {
    const { run } = this
    const { id } = change
    const seen = hub.cache<ControlPlane>(controlPlanes).get(id)
    if (seen === undefined) return
    const latest = this.#latest(id, seen)
    const { component } = run.fix.spec
    const rollout = run.rollout.metadata.name
    const image = run.imageFor(id)
    const override = latest.spec.overrides?.find((each) => each.component === component)
    if (change.type === 'revert' && override?.rollout !== rollout) return
    // Events go on while others are written: what was decided for may no longer be so.
    if (signal.aborted || (change.type === 'apply' && (run.stateOf(id) !== before(change) || image === undefined))) {
      run.notWritten(id)
      return
    }
    const wanted = ({ wave, attempt }: Extract<Change, { type: 'apply' }>) => ({
      component,
      image: image ?? '',
      fix: run.fix.metadata.name,
      rollout,
      wave,
      ...(attempt === undefined ? {} : { attempt }),
    })
    try {
      const answer = await writeOverride(
        hub.client,
        latest,
        change.type === 'apply' ? { component, override: wanted(change) } : { component },
      )
      this.#answers.set(id, answer)
    } catch (error) {
      if (isRefusal(error)) {
        run.refused(seen, change.type, isFieldConflict(error) ? 'FieldConflict' : 'WriteRefused', error.message)
        return
      }
      run.notWritten(id)
      failures.push(error)
    }
  }

  /** The newest known state: our own last write may not have come back through the watch. */
  #latest(id: string, seen: ControlPlane): ControlPlane {
    const answer = this.#answers.get(id)
    if (answer === undefined) return seen
    const isNewer =
      answer.metadata.uid === seen.metadata.uid && (answer.metadata.generation ?? 0) > (seen.metadata.generation ?? 0)
    if (!isNewer) this.#answers.delete(id)
    return isNewer ? answer : seen
  }

  #input(now: number): StatusInput {
    const { rollout } = this.run
    return { rollout, previous: this.#stored, approvals: this.#approvals, counts: this.run.counts(), now }
  }

  #isStatusDue(now: number): boolean {
    return this.#dirty && now >= this.#writtenAt + STATUS_INTERVAL_MS
  }

  #nextStatus(): number {
    return this.#dirty ? this.#writtenAt + STATUS_INTERVAL_MS : Infinity
  }

  async #storeRunning(
    engine: RolloutEngine,
    summary: RolloutSummary,
    hub: ClusterView,
    { now, milestone, opening }: { readonly now: number; readonly milestone: boolean; readonly opening?: OpenWave },
  ): Promise<void> {
    const { rollout, fix } = this.run
    const past = () =>
      pastDurations(hub.cache<ControlPlane>(controlPlanes).values(), fix.spec.component, rollout.metadata.name)
    const expected = this.#prospects.underWay(engine, summary, past, { now, milestone })
    const evidence = this.#neighbours.evidence()
    const input = { ...this.#input(now), expected, evidence, log: this.#log.state }
    await this.#store(
      runningStatus(input, summary, (id) => this.run.stateOf(id), opening),
      hub,
    )
  }

  async #writeLog(hub: ClusterView): Promise<void> {
    if (await this.#log.flush(hub.client)) this.#dirty = true
  }

  #scenario(hub: ClusterView): Scenario {
    return rolloutScenario({
      fix: this.run.fix,
      rollout: this.run.rollout,
      controlPlanes: hub.cache<ControlPlane>(controlPlanes).values(),
      managementClusters: hub.cache<ManagementCluster>(managementClusters).values(),
      freezeWindows: hub.cache<FreezeWindow>(freezeWindows).values(),
      now: this.#world.clock.now(),
    })
  }

  /**
   * Writes the status if it differs from the stored one. The resource version makes this the lock: a process that no
   * longer leads, or that started from an old state, cannot write over what its successor wrote.
   */
  async #store(status: RolloutStatus, hub: ClusterView): Promise<void> {
    const { name } = this.run.rollout.metadata
    const patch = createMergePatch((this.#stored ?? {}) as unknown as Json, status as unknown as Json) as object
    if (Object.keys(patch).length > 0) {
      try {
        const answer = await this.#patchStatus(patch, hub)
        this.#stored = status
        this.#resourceVersion = answer.metadata.resourceVersion
      } catch (error) {
        this.#isVoid = true
        // Who was overtaken leaves the log to its successor.
        if (!isConflict(error)) await this.#writeLog(hub)
        throw new Error(`the status of rollout ${name} could not be written, it is read again`, { cause: error })
      }
    }
    this.#dirty = false
    this.#writtenAt = this.#world.clock.now()
  }

  async #patchStatus(patch: object, hub: ClusterView): Promise<Rollout> {
    const { name } = this.run.rollout.metadata
    const write = () =>
      hub.client.patch<Rollout>(
        rollouts,
        { name },
        { metadata: { resourceVersion: this.#resourceVersion }, status: patch },
        { type: 'merge', subresource: 'status' },
      )
    try {
      return await write()
    } catch (error) {
      if (!isConflict(error)) throw error
      const current = await hub.client.get<Rollout>(rollouts, name)
      // Somebody paused or labelled it. If the status is another one, somebody else leads.
      if (!deepEqual(current.status, this.#stored)) throw error
      this.#resourceVersion = current.metadata.resourceVersion
      return write()
    }
  }
}

/** The state in which a control plane is asked. */
function before({ attempt }: Extract<Change, { type: 'apply' }>): TargetState {
  return attempt === undefined ? 'Pending' : 'Failed'
}

function waveSizes(
  stages: readonly {
    readonly name: string
    readonly waves: readonly { readonly number: number; readonly size: number }[]
  }[],
): Map<string, number> {
  return new Map(
    stages.flatMap(({ name, waves }) => waves.map(({ number, size }) => [`${name} ${number}`, size] as const)),
  )
}
