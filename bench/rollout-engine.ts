// Cost of the rollout engine: whole rollouts of 1,000 to 100,000 targets, one call of `decide` for every observation.
// Prints one JSON document; times are CPU time of this process, but those of single decisions, which are too short for
// that: they are wall time, the 99th percentile of the calm runs (the least of the repeats).
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ExposureAccount, RolloutEngine } from '@locktender/rollout'
import type { Decision, StrategyInput, TargetInput } from '@locktender/rollout'
import { cpuMilliseconds, fleetOf, median, STAGES } from './rollout/parts.ts'

const SIZES = [1_000, 5_000, 20_000, 100_000]
const REPEATS = 5

const strategy: StrategyInput = {
  stages: STAGES.map((name) => ({
    name,
    canary: 10,
    factor: 2,
    soakMs: 1,
    finalSoakMs: 1,
  })),
  maxPerShard: () => 4,
  maxConcurrent: 50,
  compareUntreated: true,
  budget: { percent: 5, minimum: 5 },
  sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
  operationTimeoutMs: 3_600_000,
  autoRevert: true,
}

function pending(size: number): TargetInput[] {
  return fleetOf(size).map((target) => ({ ...target, phase: 'Pending', requested: false }))
}

/** Three observations for each target: asked, in progress, done; the oldest operation finishes first. */
interface Run {
  readonly events: number
  readonly milliseconds: number
  readonly createMilliseconds: number
  /** One observation and the decisions that follow from it; opening a wave costs its size and is apart. */
  readonly decisionP99Microseconds: number
  readonly slowestOpeningMilliseconds: number
}

function measure(size: number): Run {
  const targets = new Map(pending(size).map((target) => [target.id, target]))
  const started = cpuMilliseconds()
  const engine = RolloutEngine.create({ strategy, seed: 1, targets: targets.values(), startedAt: 0, deadline: 1e12 })
  const created = cpuMilliseconds()
  const running: string[] = []
  let events = 0
  let now = 0
  let observing = 0
  const see = (id: string, change: Partial<TargetInput>) => {
    const target = { ...(targets.get(id) as TargetInput), ...change }
    targets.set(id, target)
    const before = process.hrtime.bigint()
    engine.apply({ type: 'upsert', target })
    observing = Number(process.hrtime.bigint() - before)
    events++
  }
  const calls: number[] = []
  let slowestOpening = 0
  const decide = () => {
    const before = process.hrtime.bigint()
    const decisions = engine.decide(now)
    const took = Number(process.hrtime.bigint() - before) + observing
    observing = 0
    if (decisions.some(({ type }) => type === 'open-wave')) slowestOpening = Math.max(slowestOpening, took)
    else calls.push(took)
    return decisions
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
    while (carryOut(decide()) > 0);
    const id = running[next]
    if (id === undefined) continue
    next++
    see(id, { phase: 'Applied', completedAt: now })
  }
  const { phase, finished } = engine.summary(now)
  if (phase !== 'Completed' || finished !== size)
    throw new Error(`The rollout of ${size} ended ${phase} with ${finished}.`)
  const milliseconds = cpuMilliseconds() - created
  calls.sort((left, right) => left - right)
  return {
    events,
    milliseconds,
    createMilliseconds: created - started,
    decisionP99Microseconds: (calls[Math.floor(calls.length * 0.99)] ?? 0) / 1000,
    slowestOpeningMilliseconds: slowestOpening / 1e6,
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A fleet as it comes from objects: its names are whole, not put together only when they are looked at. */
function observed(size: number): readonly TargetInput[] {
  return JSON.parse(JSON.stringify(pending(size))) as TargetInput[]
}

/** Bytes for each target that stay when `make` has made what it makes of a fleet. */
function bytesPerTarget(size: number, make: (targets: readonly TargetInput[]) => { readonly targets: number }): number {
  const targets = observed(size)
  collect()
  const before = process.memoryUsage().heapUsed
  const made = make(targets)
  collect()
  const bytes = process.memoryUsage().heapUsed - before
  if (made.targets !== size || targets.length !== size) throw new Error('Targets were lost.')
  return Math.round(bytes / size)
}

/** What the engine holds for each target besides what it was given. */
function engineBytes(size: number): number {
  return bytesPerTarget(size, (targets) => {
    const engine = RolloutEngine.create({ strategy, seed: 1, targets, startedAt: 0, deadline: 1e12 })
    return {
      get targets() {
        return engine.summary(0).targets
      },
    }
  })
}

/** What the account over all rollouts holds for each target that is well, before and after a change was put in place. */
function accountBytes(size: number, isTreated: boolean): number {
  return bytesPerTarget(size, (targets) => {
    const account = new ExposureAccount()
    account.track({ name: 'change', startedAt: 0 }, [], 0)
    const runs = new Map(isTreated ? [['change', { from: 1, until: 2 }]] : [])
    for (const { id, stage, stratum } of targets) {
      account.see({ target: id, seen: { stage, stratum, runs: new Map(), isBusy: false } }, 0)
      if (isTreated) account.see({ target: id, seen: { stage, stratum, runs, isBusy: false } }, 2)
    }
    return {
      get targets() {
        return isTreated ? account.earned('change', 3).ms : size
      },
    }
  })
}

/** Slope of log cost over log size between the smallest and the largest fleet. */
function growthExponent(cost: (targets: number) => number): number {
  const [small, large] = [SIZES[0] ?? 1, SIZES.at(-1) ?? 1]
  return Number((Math.log(cost(large) / cost(small)) / Math.log(large / small)).toFixed(3))
}

function bytesOf(size: number) {
  return {
    bytesPerTarget: engineBytes(size),
    accountBytesPerTarget: accountBytes(size, false),
    accountBytesPerTreatedTarget: accountBytes(size, true),
  }
}

// Memory first, while there is nothing else to be collected; and the first times make code, too.
for (let time = 0; time < 5; time++) bytesOf(2_000)
const bytes = new Map(SIZES.map((size) => [size, bytesOf(size)]))
measure(2_000)
const results = SIZES.map((targets) => {
  const runs = Array.from({ length: REPEATS }, () => measure(targets))
  return {
    targets,
    events: runs[0]?.events ?? 0,
    nanosecondsPerEvent: Math.round(median(runs.map(({ milliseconds, events }) => (milliseconds * 1e6) / events))),
    createMilliseconds: Number(median(runs.map((run) => run.createMilliseconds)).toFixed(1)),
    wholeRolloutCpuMilliseconds: Math.round(median(runs.map(({ milliseconds }) => milliseconds))),
    decisionP99Microseconds: Number(Math.min(...runs.map((run) => run.decisionP99Microseconds)).toFixed(1)),
    slowestOpeningMilliseconds: Number(Math.min(...runs.map((run) => run.slowestOpeningMilliseconds)).toFixed(1)),
    ...bytes.get(targets),
  }
})
const whole = (targets: number) =>
  results.find((result) => result.targets === targets)?.wholeRolloutCpuMilliseconds ?? 0
console.log(JSON.stringify({ benchmark: 'rollout-engine', results, growthExponent: growthExponent(whole) }, null, 2))
