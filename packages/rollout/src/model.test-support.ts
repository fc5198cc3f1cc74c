import { RolloutEngine } from './engine.ts'
import { seededHash } from './hash.ts'
import { Heap } from './heap.ts'
import type { LogEntry } from './log/index.ts'
import { persistedFrom } from './summary.ts'
import type { Decision, PersistedRollout, RolloutSummary, StrategyInput, TargetInput, TargetMeta } from './types.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** A fleet, its agents and a caller that keeps the engine's contract, in virtual time: the world of the model tests. */
export interface ModelOptions {
  readonly targets: number
  readonly seed: number
  /** Of the plan; the same as that of the world when not given. */
  readonly planSeed?: number
  readonly strategy?: Partial<StrategyInput>
  /** Chance that a target fails for reasons of its own. */
  readonly background?: number
  /** Chance that the change breaks a target that receives it. */
  readonly bad?: number
  readonly shards?: number
  readonly perShard?: number
  readonly shareOffline?: number
  readonly until?: number
  /** Kills the engine at its n-th decision: before it is carried out when n is even, after it when odd. */
  readonly crashAt?: ReadonlySet<number>
  /** Order in which the engine is told of the targets. */
  readonly reversed?: boolean
  /** The caller records the wave with the request. */
  readonly recordsWave?: boolean
  /** Gets the engine's log, through all its lives. */
  readonly engineLog?: (entry: LogEntry) => void
  readonly onStep?: (world: ModelWorld) => void
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

const LINES = ['4.18', '4.19', '4.20', '4.21', '4.22']

export function modelMeta(index: number, total: number, seed: number, shards: number): TargetMeta {
  const id = `cp-${String(index).padStart(6, '0')}`
  const chance = (name: string) => seededHash(seed, `${name}/${id}`) / 2 ** 32
  const share = index / total
  const stage = share < 0.05 ? 'integration' : share < 0.15 ? 'stage' : share < 0.2 ? 'canary' : 'production'
  const line = LINES[Math.floor(chance('line') * LINES.length)] as string
  const platform = chance('platform') < 0.6 ? 'AWS' : 'Azure'
  return {
    id,
    stage,
    stratum: `${line}/${platform}/${chance('arch') < 0.8 ? 'amd64' : 'arm64'}`,
    shard: `mc-${Math.floor(chance('shard') * shards)}`,
    customer: `customer-${Math.floor(chance('customer') ** 2 * (total / 8))}`,
  }
}

export function modelStrategy(change: Partial<StrategyInput> = {}): StrategyInput {
  const stage = (name: string, canary: number) => ({
    name,
    canary,
    factor: 2,
    soakMs: 30 * MINUTE,
    finalSoakMs: HOUR,
  })
  return {
    stages: [stage('integration', 5), stage('stage', 10), stage('canary', 10), stage('production', 20)],
    maxPerShard: () => 10,
    budget: { percent: 5, minimum: 3 },
    sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
    operationTimeoutMs: 60 * MINUTE,
    autoRevert: true,
    ...change,
  }
}

export class ModelWorld {
  readonly strategy: StrategyInput
  readonly options: ModelOptions
  readonly observed = new Map<string, TargetInput>()
  /** How often each target was asked, and in what order. */
  readonly requests = new Map<string, number>()
  /** When each target was asked first. */
  readonly askedAt = new Map<string, number>()
  readonly reverts = new Map<string, number>()
  readonly waves: { readonly stage: string; readonly wave: number; readonly size: number }[] = []
  readonly brokenBy = new Set<string>()
  /** Longest time between the halt and the revert of a target that had failed or was ill by then. */
  longestHarm = 0
  #haltedAt = Number.POSITIVE_INFINITY
  now = 0
  engine: RolloutEngine
  /** Decisions carried out or lost in a crash. */
  #handled = 0
  log: Decision[] = []
  #persisted: PersistedRollout = { stages: [] }
  readonly #events = new Heap<Event>((left, right) =>
    left.at === right.at ? left.order < right.order : left.at < right.at,
  )
  #order = 0

  constructor(options: ModelOptions) {
    this.options = options
    this.strategy = modelStrategy({ maxPerShard: () => options.perShard ?? 10, ...options.strategy })
    for (let index = 0; index < options.targets; index++) {
      const meta = modelMeta(index, options.targets, options.seed, options.shards ?? 7)
      const phase = this.chance('offline', meta.id) < (options.shareOffline ?? 0) ? 'Unreachable' : 'Pending'
      this.observed.set(meta.id, { ...meta, phase, requested: false })
    }
    this.engine = this.rebuilt(options.engineLog)
  }

  chance(name: string, id: string): number {
    return seededHash(this.options.seed + 1, `${name}:${id}`) / 2 ** 32
  }

  /** Something that happens in the world at `at`. */
  schedule(at: number, run: () => void): void {
    this.#events.push({ at, order: ++this.#order, run })
  }

  /** A change that everybody sees at once. */
  observe(id: string, change: Partial<TargetInput>): void {
    const before = this.observed.get(id)
    if (!before) return
    const target: TargetInput = { ...before, ...change }
    this.observed.set(id, target)
    this.engine.apply({ type: 'upsert', target })
  }

  join(target: TargetInput): void {
    this.observed.set(target.id, target)
    this.engine.apply({ type: 'upsert', target })
  }

  leave(id: string): void {
    this.observed.delete(id)
    this.engine.apply({ type: 'remove', id })
  }

  /** Runs until nothing is left to happen. */
  run(): RolloutSummary {
    this.#drive()
    for (;;) {
      const event = this.#events.peek()
      const due = this.engine.nextDue(this.now)
      const at = Math.min(event?.at ?? Number.POSITIVE_INFINITY, due ?? Number.POSITIVE_INFINITY)
      if (!Number.isFinite(at) || at > (this.options.until ?? 1000 * HOUR)) break
      this.now = Math.max(this.now, at)
      if (event && event.at <= this.now) {
        this.#events.pop()
        event.run()
      }
      this.#drive()
    }
    return this.engine.summary(this.now)
  }

  /** A new engine from what was persisted. */
  rebuilt(log?: (entry: LogEntry) => void): RolloutEngine {
    const { recordsWave, reversed } = this.options
    const known = [...this.observed.values()]
    if (reversed) known.reverse()
    return RolloutEngine.create({
      strategy: this.strategy,
      seed: this.options.planSeed ?? this.options.seed,
      targets: known.map(({ wave, ...target }) => (recordsWave && wave !== undefined ? { ...target, wave } : target)),
      startedAt: 0,
      deadline: 24 * HOUR,
      persisted: this.#persisted,
      ...(log ? { log } : {}),
    })
  }

  #drive(): void {
    for (;;) {
      const decisions = this.engine.decide(this.now)
      for (const decision of decisions) if (!this.#handle(decision)) break
      this.options.onStep?.(this)
      if (decisions.length === 0) return
    }
  }

  /** False when the engine crashed and the rest of its decisions is lost. */
  #handle(decision: Decision): boolean {
    const handled = this.#handled++
    const crash = this.options.crashAt?.has(handled) ?? false
    if (!crash || handled % 2 === 1) this.#carryOut(decision)
    if (crash) this.engine = this.rebuilt(this.options.engineLog)
    return !crash
  }

  #persist(opening?: Extract<Decision, { type: 'open-wave' }>): void {
    this.#persisted = persistedFrom(this.engine.summary(this.now), opening)
  }

  #carryOut(decision: Decision): void {
    this.log.push(decision)
    switch (decision.type) {
      case 'open-wave':
        this.waves.push(decision)
        this.#persist(decision)
        this.engine.acknowledge(decision)
        return
      case 'halt':
        this.#haltedAt = this.now
        this.#persist()
        this.engine.acknowledge(decision)
        return
      case 'complete':
        this.#persist()
        this.engine.acknowledge(decision)
        return
      case 'apply':
        this.#request(decision.id, decision.wave)
        return
      case 'revert':
        this.#takeBack(decision.id)
        return
      case 'close-wave':
        this.#persist()
    }
  }

  #request(id: string, wave: number): void {
    this.requests.set(id, (this.requests.get(id) ?? 0) + 1)
    if (!this.askedAt.has(id)) this.askedAt.set(id, this.now)
    this.observe(id, { requested: true, wave })
    const start = this.now
    const duration = Math.round(15 * MINUTE * (0.7 + 0.6 * this.chance('duration', id)))
    const isBad = this.chance('bad', id) < (this.options.bad ?? 0)
    if (isBad || this.chance('background', id) < (this.options.background ?? 0)) {
      this.brokenBy.add(id)
      // One in four looks fine at first and becomes unhealthy 20 minutes after.
      if (this.chance('late', id) >= 0.25) {
        const found = Math.round(5 * MINUTE + 40 * MINUTE * this.chance('found', id))
        this.#operation(id, start, found, { phase: 'Failed', reason: 'RolloutFailed' })
        return
      }
      this.schedule(start + duration + 20 * MINUTE, () => {
        if (this.observed.get(id)?.phase === 'Applied') this.observe(id, { onsetAt: this.now })
      })
    }
    this.#operation(id, start, duration, { phase: 'Applied' })
  }

  #operation(id: string, since: number, duration: number, end: Partial<TargetInput>): void {
    this.schedule(since, () => {
      if (this.observed.get(id)?.requested) this.observe(id, { phase: 'Applying', since })
    })
    this.schedule(since + duration, () => {
      const target = this.observed.get(id)
      if (target?.requested && target.phase === 'Applying' && target.since === since) {
        this.observe(id, { ...end, completedAt: this.now })
      }
    })
  }

  #takeBack(id: string): void {
    this.reverts.set(id, (this.reverts.get(id) ?? 0) + 1)
    const before = this.observed.get(id)
    const harmedAt = before?.onsetAt ?? (before?.phase === 'Failed' ? before.completedAt : undefined)
    if (harmedAt !== undefined && harmedAt <= this.#haltedAt) {
      this.longestHarm = Math.max(this.longestHarm, this.now - this.#haltedAt)
    }
    this.observe(id, { requested: false })
    const since = this.now
    this.schedule(since, () => this.observe(id, { phase: 'Reverting', since, revert: true }))
    this.schedule(since + 12 * MINUTE, () => {
      if (this.observed.get(id)?.since === since) this.observe(id, { phase: 'Reverted', completedAt: this.now })
    })
  }
}
