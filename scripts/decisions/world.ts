import { RolloutEngine, type Decision, type StrategyInput, type TargetInput } from '@locktender/rollout'
import { Agenda } from './agenda.ts'

export const MINUTE = 60_000
const STEP = MINUTE

/** Management clusters of the simulated fleet, and operations at once on each (the default strategy's). */
const SHARDS = 80
const PER_SHARD = 8

/** A number from 0 to 1 that follows from the seed and what it is for. */
export function chance(seed: number, what: number, whom: number): number {
  let hash =
    Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(what + 1, 0xc2b2ae35) ^ Math.imul(whom + 1, 0x27d4eb2f)
  for (const shift of [16, 13, 16]) hash = Math.imul(hash ^ (hash >>> shift), 0x45d9f3b)
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32
}

const LINES = ['4.18', '4.19', '4.20', '4.21', '4.22']

/** 2 % integration, 5 % stage, 5 % canary sector; five release lines on two platforms and two architectures. */
export function fleetOf(size: number): TargetInput[] {
  return Array.from({ length: size }, (_, index) => {
    const share = chance(1, 1, index)
    const line = LINES[Math.floor(chance(1, 2, index) * LINES.length)] ?? ''
    const platform = chance(1, 3, index) < 0.6 ? 'AWS' : 'Azure'
    return {
      id: `cp-${String(index).padStart(6, '0')}`,
      stage: share < 0.02 ? 'integration' : share < 0.07 ? 'stage' : share < 0.12 ? 'canary' : 'production',
      stratum: `${line}/${platform}/${chance(1, 4, index) < 0.8 ? 'amd64' : 'arm64'}`,
      shard: `mc-${Math.floor(chance(1, 5, index) * SHARDS)}`,
      customer: `customer-${Math.floor(chance(1, 6, index) ** 2 * (size / 8))}`,
      phase: 'Pending',
      requested: false,
    }
  })
}

const sequentialTest = { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 }
const common = { maxPerShard: () => PER_SHARD, sequentialTest, operationTimeoutMs: 45 * MINUTE, autoRevert: false }

/** The product's default strategy: doubling waves in four stages, evidence, and a 5 % budget behind it. */
export const evidenceStrategy: StrategyInput = {
  ...common,
  stages: ['integration', 'stage', 'canary', 'production'].map((name) => ({
    name,
    canary: 2,
    factor: 2,
    soakMs: 30 * MINUTE,
    finalSoakMs: 30 * MINUTE,
  })),
  compareUntreated: true,
  budget: { percent: 5, minimum: 3 },
}

function inOneStage(stage: Omit<StrategyInput['stages'][number], 'name'>, rest: Partial<StrategyInput>): StrategyInput {
  return { ...common, stages: [{ name: 'fleet', ...stage }], customerShare: 100, ...rest }
}

/** The usual 1 %, 10 %, 100 % with a long soak after each, halted by the same evidence. */
export function percentWaves(targets: number): StrategyInput {
  const sizes = [Math.round(targets * 0.01), Math.round(targets * 0.09), targets]
  const soakMs = 8 * 60 * MINUTE
  return inOneStage({ canary: 1, factor: 1, sizes, soakMs, finalSoakMs: 60 * MINUTE }, {})
}

/** Fifty at once and a budget of 5 %: no waves, no test. */
export function percentBudget(targets: number): StrategyInput {
  return inOneStage(
    { canary: targets, factor: 1, soakMs: 0, finalSoakMs: 60 * MINUTE },
    { maxConcurrent: 50, haltBy: 'Budget', budget: { percent: 5, minimum: 0 } },
  )
}

/** What else may be different. */
export interface Circumstances {
  /** Control planes fall ill for reasons of their own once in so long, and are well again after two hours. */
  readonly illnessMs?: number
  /** All that break become unhealthy so long after, exponentially on average. */
  readonly slowMs?: number
}

const RECOVERY = 2 * 60 * MINUTE

/** How a simulated rollout ended. */
export interface Outcome {
  readonly halted: boolean
  readonly rule: string
  /** Failed or unhealthy when it was halted. */
  readonly broken: number
  /** The same and those that had been asked by then and would break if nobody took the change back in time. */
  readonly doomed: number
  /** Asked by then. */
  readonly exposed: number
  readonly hours: number
}

/**
 * One rollout of a build that breaks `share` of the control planes, in steps of a minute. Operations take 10 to 20
 * minutes; three in four of those that break do so 5 to 30 minutes after the start and fail, the others look fine and
 * become unhealthy within an hour after (exponentially, 20 minutes on average).
 */
export function simulate(
  fleet: readonly TargetInput[],
  strategy: StrategyInput,
  share: number,
  seed: number,
  { illnessMs = Infinity, slowMs = 0 }: Circumstances = {},
): Outcome {
  const oneStage = strategy.stages[0]?.name === 'fleet'
  const targets = new Map(fleet.map((target) => [target.id, oneStage ? { ...target, stage: 'fleet' } : target]))
  const number = new Map(fleet.map(({ id }, index) => [id, index]))
  const engine = RolloutEngine.create({ strategy, seed, targets: targets.values(), startedAt: 0, deadline: 1e12 })
  const agenda = new Agenda(STEP)
  let exposed = 0
  let broken = 0
  let doomed = 0
  const see = (id: string, change: Partial<TargetInput>) => {
    const target = { ...(targets.get(id) as TargetInput), ...change }
    targets.set(id, target)
    engine.apply({ type: 'upsert', target })
  }
  const recover = (id: string) => {
    const { onsetAt: _, ...target } = targets.get(id) as TargetInput
    targets.set(id, target)
    see(id, {})
  }
  const ill = new Map<string, number>()
  const fallIll = (id: string, forMs: number) => {
    if (ill.has(id)) return
    ill.set(id, agenda.now)
    const { phase } = targets.get(id) as TargetInput
    if (phase === 'Applied' || (phase === 'Pending' && strategy.compareUntreated)) see(id, { onsetAt: agenda.now })
    if (forMs === Infinity) return
    agenda.after(forMs, () => {
      ill.delete(id)
      if (targets.get(id)?.onsetAt !== undefined) recover(id)
    })
  }
  const age = (id: string, whom: number, round: number) => {
    const delay = -Math.log(1 - chance(seed, 100 + round, whom)) * illnessMs
    if (delay > 100 * 60 * MINUTE) return
    agenda.after(delay, () => {
      fallIll(id, RECOVERY)
      age(id, whom, round + 1)
    })
  }
  for (const [id, whom] of number) age(id, whom, 0)
  const start = (id: string) => {
    exposed++
    // Who is ill already is not ill because of the change.
    if (targets.get(id)?.onsetAt !== undefined) recover(id)
    see(id, { requested: true, phase: 'Applying', since: agenda.now })
    const since = agenda.now
    const whom = number.get(id) ?? 0
    const duration = (10 + 10 * chance(seed, 11, whom)) * MINUTE
    const breaks = chance(seed, 12, whom) < share
    if (breaks) doomed++
    if (breaks && slowMs === 0 && chance(seed, 13, whom) < 0.75) {
      agenda.after((5 + 25 * chance(seed, 14, whom)) * MINUTE, () => {
        broken++
        see(id, { phase: 'Failed', reason: 'RolloutFailed', completedAt: agenda.now })
      })
      return
    }
    agenda.after(duration, () => {
      const illAt = ill.get(id) ?? -1
      see(id, { phase: 'Applied', completedAt: agenda.now, ...(illAt >= since ? { onsetAt: illAt } : {}) })
      if (!breaks) return
      const delay = -Math.log(1 - chance(seed, 15, whom))
      agenda.after(slowMs > 0 ? delay * slowMs : Math.min(60, 20 * delay) * MINUTE, () => {
        broken++
        fallIll(id, Infinity)
      })
    })
  }
  const end = (halted: boolean, rule: string): Outcome => ({
    halted,
    rule,
    broken,
    doomed,
    exposed,
    hours: agenda.now / 60 / MINUTE,
  })
  for (;;) {
    for (let decisions = engine.decide(agenda.now); decisions.length > 0; decisions = engine.decide(agenda.now)) {
      const last = carryOut(engine, decisions, start)
      if (last?.type === 'halt') return end(true, last.verdict.rule)
      if (last?.type === 'complete') return end(false, '')
    }
    if (!agenda.next(engine.nextDue(agenda.now) ?? Infinity)) throw new Error('The simulated rollout is stuck.')
  }
}

function carryOut(
  engine: RolloutEngine,
  decisions: readonly Decision[],
  start: (id: string) => void,
): Decision | undefined {
  for (const decision of decisions) {
    engine.acknowledge(decision)
    if (decision.type === 'apply') start(decision.id)
    if (decision.type === 'halt' || decision.type === 'complete') return decision
  }
  return undefined
}
