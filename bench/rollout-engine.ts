// Cost of the rollout engine: whole rollouts of 1,000 to 100,000 targets, one call of `decide` for every observation.
// Prints one JSON document; times are CPU time of this process.
import { RolloutEngine, type Decision, type StrategyInput, type TargetInput } from '@locktender/rollout'

const SHARDS = 80
const SIZES = [1_000, 5_000, 20_000, 100_000]
const REPEATS = 5

const strategy: StrategyInput = {
  stages: ['integration', 'stage', 'canary', 'production'].map((name) => ({
    name,
    canary: 10,
    factor: 2,
    soakMs: 1,
    finalSoakMs: 1,
  })),
  maxPerShard: () => 4,
  maxConcurrent: 50,
  budget: { percent: 5, minimum: 5 },
  sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
  operationTimeoutMs: 3_600_000,
  autoRevert: true,
}

function fleetOf(size: number): TargetInput[] {
  return Array.from({ length: size }, (_, index) => ({
    id: `mc-${index % SHARDS}/cp-${index}`,
    stage: index % 20 === 0 ? 'integration' : index % 10 === 1 ? 'stage' : index % 20 === 2 ? 'canary' : 'production',
    stratum: `4.${18 + (index % 5)}/${index % 3 === 0 ? 'Azure' : 'AWS'}/${index % 7 === 0 ? 'arm64' : 'amd64'}`,
    shard: `mc-${index % SHARDS}`,
    customer: `customer-${index % Math.ceil(size / 20)}`,
    phase: 'Pending' as const,
    requested: false,
  }))
}

function cpuNanoseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** Three observations for each target: asked, in progress, done; the oldest operation finishes first. */
function measure(size: number): { events: number; nanoseconds: number; createMilliseconds: number } {
  const targets = new Map(fleetOf(size).map((target) => [target.id, target]))
  const started = cpuNanoseconds()
  const engine = RolloutEngine.create({ strategy, seed: 1, targets: targets.values(), startedAt: 0, deadline: 1e12 })
  const created = cpuNanoseconds()
  const running: string[] = []
  let events = 0
  let now = 0
  const see = (id: string, change: Partial<TargetInput>) => {
    const target = { ...(targets.get(id) as TargetInput), ...change }
    targets.set(id, target)
    engine.apply({ type: 'upsert', target })
    events++
  }
  const carryOut = (decisions: readonly Decision[]) => {
    for (const decision of decisions) {
      engine.acknowledge(decision)
      if (decision.type !== 'apply') continue
      see(decision.id, { requested: true })
      see(decision.id, { phase: 'Applying', since: now })
      running.push(decision.id)
    }
    return decisions.length
  }
  for (let next = 0; engine.phase === 'Progressing'; now += 2) {
    while (carryOut(engine.decide(now)) > 0);
    const id = running[next]
    if (id === undefined) continue
    next++
    see(id, { phase: 'Applied', completedAt: now })
  }
  const { phase, finished } = engine.summary(now)
  if (phase !== 'Completed' || finished !== size)
    throw new Error(`The rollout of ${size} ended ${phase} with ${finished}.`)
  return { events, nanoseconds: cpuNanoseconds() - created, createMilliseconds: (created - started) / 1e6 }
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0
}

measure(2_000)
const results = SIZES.map((targets) => {
  const runs = Array.from({ length: REPEATS }, () => measure(targets))
  return {
    targets,
    events: runs[0]?.events ?? 0,
    nanosecondsPerEvent: Math.round(median(runs.map(({ nanoseconds, events }) => nanoseconds / events))),
    createMilliseconds: Number(median(runs.map((run) => run.createMilliseconds)).toFixed(1)),
    wholeRolloutCpuMilliseconds: Math.round(median(runs.map(({ nanoseconds }) => nanoseconds / 1e6))),
  }
})
const perEvent = (targets: number) => results.find((result) => result.targets === targets)?.nanosecondsPerEvent ?? 0
console.log(
  JSON.stringify(
    { benchmark: 'rollout-engine', results, ratio100kTo1k: Number((perEvent(100_000) / perEvent(1_000)).toFixed(2)) },
    null,
    2,
  ),
)
