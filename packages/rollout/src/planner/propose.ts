import { SequentialTest } from '../evidence/sequential-test.ts'
import { planOf, type Plan } from '../plan.ts'
import type { StageStrategy, StrategyInput } from '../types.ts'
import { assignWaves, type WaveAssignment } from './assign-waves.ts'
import { Calendar, type Interval, type Window } from './calendar.ts'
import { exemptedAt, type Exempted, type Exemption } from './exemptions.ts'
import { HALT_MODEL } from './exposure.ts'
import { checkFeasibility, type Feasibility } from './feasibility.ts'
import { expectedHarm, type Harm, type Stakes } from './harm.ts'
import { outlineStages, sketchSchedule, workOf, type PlannerTarget, type StageOutline } from './outline.ts'
import { reasonsFor, type Reason } from './reasons.ts'
import { earliestSchedule, type Schedule, type ScheduleLimits } from './schedule.ts'
import { bestSizes, growingWaves } from './shape.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Everything but the waves and soaks, which are what is looked for. */
export interface PlannerInput {
  readonly targets: readonly PlannerTarget[]
  /** Stages in their order; targets in no stage are left out. */
  readonly stages: readonly string[]
  readonly stakes: Stakes
  /** Milliseconds since the epoch. */
  readonly startAt: number
  /** The rollout should be over, with its last soak. */
  readonly deadline?: number
  /** By window class. */
  readonly windows?: Readonly<Record<string, Window>>
  /** Closed for everybody. */
  readonly freezes?: readonly Interval[]
  readonly exemptions?: readonly Exemption[]
  /** An operation usually takes so long: the mean of its sketch. */
  readonly operationMs: number
  /** How long the slowest of so many operations takes. Default `operationMs`, as if all were alike. */
  readonly slowestMs?: (operations: number) => number
  /** Shortest soak that may be proposed: what it takes to see anything. Default 15 min. */
  readonly minSoakMs?: number
  /** Longest. Default 24 h. */
  readonly maxSoakMs?: number
  /** The rest of the strategy: caps, halting, reverting. */
  readonly rules: Omit<StrategyInput, 'stages'>
  readonly seed: number
}

export interface ProposedWave {
  readonly stage: string
  readonly wave: number
  readonly size: number
  readonly startsAt: number
  readonly endsAt: number
  readonly soakMs: number
}

/** One shape that was considered, by the sketch of its schedule. */
export interface Alternative {
  readonly canary: number
  readonly factor: number
  readonly soakMs: number
  readonly waves: number
  readonly harm: number
  readonly end: number
}

export interface Proposal {
  readonly strategy: StrategyInput
  readonly plan: Plan
  readonly assignment: WaveAssignment
  /** Targets that are planned, in the order of `assignment`: all but the exempted. */
  readonly targets: readonly PlannerTarget[]
  readonly waves: readonly ProposedWave[]
  readonly harm: Harm
  readonly feasibility: Feasibility
  readonly exempted: Exempted
  /** Why these waves and soaks, a sentence each. */
  readonly reasons: readonly Reason[]
  /** The default shape with every soak, and the other shapes with their best soak: what choosing differently costs. */
  readonly alternatives: readonly Alternative[]
}

/** Soaks that people can say. */
const SOAKS = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440].map((minutes) => minutes * MINUTE)
const DEFAULT_CANARY = 10
const DEFAULT_FACTOR = 2
const CANARIES = [5, 10, 20, 50, 100]
const FACTORS = [2, 3, 5, 10]
/** Another shape than doubling from ten must save so much of the harm, and so many control-plane hours. */
const WORTH_SHARE = 0.1
const WORTH_HOURS = 0.5
/** Shapes whose real members are looked at when none is known to meet the deadline. */
const MOST_TRIES = 4
/** For fleets up to this size all of them are. */
const SMALL_FLEET = 2000

/** Limits that a schedule of this input is held against. */
export function limitsOf(
  input: Pick<PlannerInput, 'targets' | 'windows' | 'freezes' | 'startAt' | 'operationMs' | 'slowestMs' | 'rules'>,
): ScheduleLimits {
  const { windows = {}, freezes = [], rules } = input
  const calendars = new Map(Object.entries(windows).map(([name, window]) => [name, new Calendar(window, freezes)]))
  for (const { windowClass = '' } of input.targets) {
    if (freezes.length > 0 && !calendars.has(windowClass)) calendars.set(windowClass, new Calendar({}, freezes))
  }
  return {
    startAt: input.startAt,
    roundMs: input.operationMs,
    ...(input.slowestMs === undefined ? {} : { slowestMs: input.slowestMs }),
    maxPerShard: rules.maxPerShard,
    ...(rules.maxConcurrent === undefined ? {} : { maxConcurrent: rules.maxConcurrent }),
    calendars,
  }
}

/** Stakes whose halt is that of the strategy's sequential test, unless the caller said otherwise. */
export function stakesOf({ stakes, rules }: Pick<PlannerInput, 'stakes' | 'rules'>): Stakes {
  const test = new SequentialTest(rules.sequentialTest)
  const { failures } = test.outlook(test.sums([]), test.steps(), test.haltLimit())
  return { halt: { ...HALT_MODEL, manifestations: failures }, ...stakes }
}

interface Candidate extends Alternative {
  readonly stages: readonly StageStrategy[]
}

/** A proposal's strategy carried through to its schedule, for real members. */
export interface Worked {
  readonly strategy: StrategyInput
  readonly assignment: WaveAssignment
  readonly work: ReturnType<typeof workOf>
  readonly schedule: Schedule
}

/** Members, work and earliest schedule of a strategy. */
export function workThrough(
  targets: readonly PlannerTarget[],
  strategy: StrategyInput,
  seed: number,
  limits: ScheduleLimits,
  assignment: WaveAssignment = assignWaves(targets, strategy, seed),
): Worked {
  const work = workOf(targets, assignment, strategy.stages)
  return { strategy, assignment, work, schedule: earliestSchedule(work, limits) }
}

/**
 * Proposes waves and soaks with the least expected harm that can end by the deadline: doubling from ten with equal soaks
 * unless another shape saves a tenth of the harm or is needed for the deadline. When nothing can end by the deadline it
 * proposes what ends first and says what stands against it. Depends on the set of targets, not on their order. Throws
 * RangeError for chances outside 0-1 and for durations that are not positive.
 */
export function proposeStrategy(input: PlannerInput): Proposal {
  checkInput(input)
  const { startAt, seed, deadline = Number.POSITIVE_INFINITY } = input
  const exempted = exempt(input)
  const targets =
    exempted.active.size === 0 ? input.targets : input.targets.filter(({ id }) => !exempted.active.has(id))
  const limits = limitsOf(input)
  const stakes = stakesOf(input)
  const outlines = outlineStages(targets, input.stages, input.rules.maxPerShard)
  const search = new ShapeSearch(input, outlines, limits, stakes)
  const ranked = search.ranked(deadline)
  let best: Worked | undefined
  let chosen = ranked[0] as Candidate
  let tries = targets.length <= SMALL_FLEET ? ranked.length : MOST_TRIES
  const assigned = new Map<string, WaveAssignment>()
  for (const candidate of ranked) {
    const strategy = { ...input.rules, stages: candidate.stages }
    const shape = JSON.stringify(candidate.stages.map(({ canary, factor, sizes }) => [canary, factor, sizes]))
    const known = assigned.get(shape)
    if (!known && tries-- <= 0) continue
    const worked = workThrough(targets, strategy, seed, limits, known)
    assigned.set(shape, worked.assignment)
    if (best && worked.schedule.end >= best.schedule.end) continue
    best = worked
    chosen = candidate
    if (worked.schedule.end <= deadline && Number.isFinite(worked.schedule.end)) break
  }
  const { strategy, assignment, work, schedule } = best as Worked
  const feasibility = checkFeasibility(work, limits, input.deadline, schedule)
  const batches = schedule.waves
    .flatMap((wave) => wave.batches)
    .filter(({ at }) => Number.isFinite(at))
    .sort((left, right) => left.at - right.at)
  const harm = expectedHarm(batches, startAt, stakes, exempted.unfixedHours)
  const waves = work.map(({ stage, wave, size, soakMs }, index) => {
    const { startsAt, endsAt } = schedule.waves[index] as Schedule['waves'][number]
    return { stage, wave, size, startsAt, endsAt, soakMs }
  })
  const alternatives = search.alternatives()
  const reasons = reasonsFor({ input, outlines, chosen, harm, feasibility, exempted, waves, alternatives })
  const plan = planOf(targets, assignment, strategy, seed)
  return { strategy, plan, assignment, targets, waves, harm, feasibility, exempted, reasons, alternatives }
}

function checkInput({ stakes: { hazard, prior }, operationMs }: PlannerInput): void {
  for (const [name, value] of Object.entries({ hazard, prior })) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`The ${name} must be between 0 and 1, not ${value}.`)
  }
  if (!(operationMs > 0)) throw new RangeError(`An operation must take some time, not ${operationMs} ms.`)
}

/** Which exemptions are in force for targets of this rollout. */
export function exempt(input: Pick<PlannerInput, 'targets' | 'stages' | 'exemptions' | 'startAt'>): Exempted {
  const { exemptions = [], startAt } = input
  if (exemptions.length === 0) return { active: new Map(), unfixedHours: 0 }
  const named = new Set(exemptions.map(({ id }) => id))
  const stages = new Set(input.stages)
  const known = new Set<string>()
  for (const { id, stage } of input.targets) if (named.has(id) && stages.has(stage)) known.add(id)
  return exemptedAt(exemptions, (id) => known.has(id), startAt)
}

class ShapeSearch {
  readonly #outlines: readonly StageOutline[]
  readonly #limits: ScheduleLimits
  readonly #stakes: Stakes
  readonly #soaks: readonly number[]
  readonly #all: Candidate[] = []

  constructor(input: PlannerInput, outlines: readonly StageOutline[], limits: ScheduleLimits, stakes: Stakes) {
    this.#outlines = outlines
    this.#limits = limits
    this.#stakes = stakes
    const { minSoakMs = 15 * MINUTE, maxSoakMs = 24 * HOUR } = input
    const within = SOAKS.filter((soak) => soak > minSoakMs && soak <= maxSoakMs)
    this.#soaks = [minSoakMs, ...within]
    for (const canary of CANARIES) {
      for (const factor of FACTORS) {
        for (const soakMs of this.#soaks) this.#all.push(this.#candidate(canary, factor, soakMs))
      }
    }
  }

  /** What to try, in order: the one that is wanted, then the others that may be in time by harm, then by their end. */
  ranked(deadline: number): readonly Candidate[] {
    const inTime = ({ end }: Candidate) => end <= deadline && Number.isFinite(end)
    const byHarm = this.#all.filter(inTime).sort((left, right) => left.harm - right.harm)
    const usual = byHarm.find(isDefault)
    const others = this.#all.filter((each) => !inTime(each)).sort((left, right) => left.end - right.end)
    // The sketch may be a little off: shorter soaks of a shape that was looked at come before other shapes.
    let first = byHarm[0]
    if (usual && first && !this.#pays(first, usual)) first = usual
    if (first) {
      const refined = this.#refined(first)
      if (inTime(refined) && this.#pays(refined, first)) return [refined, first, ...byHarm, ...others]
      const shorter = byHarm.filter(
        (each) => sameShape(each, first as Candidate) && each.soakMs < (first as Candidate).soakMs,
      )
      return [first, ...shorter, ...byHarm, ...others]
    }
    return others
  }

  alternatives(): Alternative[] {
    const best = new Map<string, Candidate>()
    const usual: Candidate[] = []
    for (const each of this.#all) {
      if (isDefault(each)) usual.push(each)
      const shape = `${each.canary} ${each.factor}`
      const known = best.get(shape)
      if (!known || each.harm < known.harm) best.set(shape, each)
    }
    return [...usual, ...Array.from(best.values()).filter((each) => !isDefault(each))].map(
      ({ canary, factor, soakMs, waves, harm, end }) => ({ canary, factor, soakMs, waves, harm, end }),
    )
  }

  #pays(better: Candidate, than: Candidate): boolean {
    const saved = than.harm - better.harm
    return saved >= WORTH_SHARE * than.harm && saved >= WORTH_HOURS
  }

  #candidate(canary: number, factor: number, soakMs: number, sizes?: readonly number[]): Candidate {
    const largest = this.#largest()
    const stages = this.#outlines.map(({ name, targets }) => ({
      name,
      canary: Math.max(1, Math.min(canary, Math.ceil(targets / 4))),
      factor,
      ...(sizes && name === largest.name ? { sizes } : {}),
      soakMs,
      finalSoakMs: soakMs,
    }))
    const { batches, end } = sketchSchedule(this.#outlines, stages, this.#limits)
    const reached = batches.filter(({ at }) => Number.isFinite(at))
    const harm = expectedHarm(reached, this.#limits.startAt, this.#stakes).total
    const waves = this.#outlines.reduce((sum, { targets }, index) => {
      const stage = stages[index] as (typeof stages)[number]
      return sum + (stage.sizes?.length ?? growingWaves(targets, stage.canary, factor).length)
    }, 0)
    return { canary, factor, soakMs, waves, harm, end, stages }
  }

  #largest(): StageOutline {
    return this.#outlines.reduce((left, right) => (right.targets > left.targets ? right : left))
  }

  /** The same number of waves in the largest stage with the sizes that harm least. */
  #refined(candidate: Candidate): Candidate {
    const { name, targets } = this.#largest()
    const stage = candidate.stages.find((each) => each.name === name) as StageStrategy
    const begin = growingWaves(targets, stage.canary, stage.factor)
    if (begin.length < 2) return candidate
    const { canary, factor, soakMs } = candidate
    const sizes = bestSizes(targets, begin, (tried) => this.#candidate(canary, factor, soakMs, tried).harm)
    return this.#candidate(canary, factor, soakMs, sizes)
  }
}

function isDefault({ canary, factor }: Candidate): boolean {
  return canary === DEFAULT_CANARY && factor === DEFAULT_FACTOR
}

function sameShape(left: Candidate, right: Candidate): boolean {
  return left.canary === right.canary && left.factor === right.factor && !left.stages.some(({ sizes }) => sizes)
}
