import { seededRandom, type Random } from '@locktender/kube'
import type { ChoiceKind, Chooser, Failure, Plan } from './choice.ts'
import { DefaultChooser, NamingChooser, PlanChooser, RandomChooser, type Chances, type Decision } from './choosers.ts'
import { cpuTimeMs } from './edge/cpu-time.ts'
import { catchLostErrors } from './edge/lost-errors.ts'
import { withoutStackTraces } from './edge/stack-traces.ts'
import { objectDifferences, type ObjectDifference } from './end-state.ts'
import { ExhaustiveSearch } from './exhaustive.ts'
import { prepareServers } from './prepared-server.ts'
import { Run } from './run.ts'
import type { Finding, Observer, Prepared, Reference, RunResult, TraceEntry } from './run-types.ts'
import type { Limits, Scenario } from './scenario.ts'
import { prepareSteps } from './steps.ts'

const DEFAULT_LIMITS: Required<Limits> = {
  perturbations: 4,
  staleness: 2,
  timeTravel: 5,
  restarts: 2,
  lostAnswers: 1,
  conflicts: 1,
  failures: 1,
  reorderings: 3,
  actions: 1000,
  settleMs: 10_000,
  updateFactor: 5,
}

/** How much more likely than others the kinds of choices go another way. */
const WEIGHTS: Readonly<Record<ChoiceKind, number>> = { order: 3, cache: 3, request: 3, relist: 1 }
/** Chance of a choice point that the reference run did not have. */
const CHANCE_OF_NEW = 0.4
/** Schedules between two looks at the processor time used. */
const SCHEDULES_PER_LOOK = 16
/** Share of schedules that the guided mode makes from nothing. */
const FRESH = 0.3

export interface ExploreOptions {
  /**
   * `random`: seeded walks with a few unusual choices each. `exhaustive`: every schedule within the limits, those with
   * few unusual choices first. `guided`: random, but going on from schedules that came to states nobody had seen.
   * @default 'random'
   */
  readonly mode?: 'random' | 'exhaustive' | 'guided'
  /** @default 1 */
  readonly seed?: number
  /** Most schedules. Without it and `cpuMs`, 1000. */
  readonly schedules?: number
  /** Most milliseconds of processor time. */
  readonly cpuMs?: number
  /** Ends when so many different failures were found. @default 1 */
  readonly failures?: number
  readonly signal?: AbortSignal
  /** Told now and then how many schedules were run. */
  readonly progress?: (schedules: number) => void
}

/** What exploring has come to. */
export interface Result {
  /** Schedules run, the reference run included. */
  readonly schedules: number
  /** Different states of everything stored that were reached. */
  readonly states: number
  readonly failures: readonly Failure[]
  /** Whether every schedule within the limits was run; only the exhaustive mode can know. */
  readonly complete: boolean
  /** Different pairs of who wrote and what everything stored was then. */
  readonly coverage: number
  readonly statistics: {
    readonly cpuMs: number
    /** Requests, beginnings of reconciles, steps and timers of all schedules. */
    readonly actions: number
    /** Schedules until the first failure. */
    readonly schedulesToFailure?: number
    readonly cpuMsToFailure?: number
  }
}

/** One schedule, told in full. */
export interface Replay {
  readonly findings: readonly Finding[]
  readonly trace: readonly TraceEntry[]
  /** Where its end is not that of the reference run; nothing when the schedule did not come to its end. */
  readonly differences: readonly ObjectDifference[]
  /** The choices of the plan that came up; others no longer fit the scenario. */
  readonly followed: Plan['choices']
  readonly result: RunResult
}

/**
 * A scenario made ready: its API servers are filled and the reference run is known. What is learnt about the servers'
 * answers is kept, so many explorations and replays of one scenario should share it.
 */
export class Explorer {
  readonly #prepared: Prepared
  readonly #reference: RunResult
  readonly #referenceCounts: ReadonlyMap<ChoiceKind, number>

  private constructor(prepared: Prepared, reference: RunResult, counts: ReadonlyMap<ChoiceKind, number>) {
    this.#prepared = prepared
    this.#reference = reference
    this.#referenceCounts = counts
  }

  /** @throws TypeError, RangeError, ApiError when the scenario itself is wrong */
  static async open(scenario: Scenario): Promise<Explorer> {
    const prepared = await prepare(scenario)
    const chooser = new DefaultChooser()
    const reference = await runOnce(prepared, chooser)
    return new Explorer(prepared, reference, chooser.counts)
  }

  /** Runs schedules until something ends it, and tells what was wrong under which. */
  async explore(options: ExploreOptions = {}): Promise<Result> {
    const { mode = 'random', seed = 1, cpuMs = Infinity, failures: wanted = 1, signal } = options
    const most = options.schedules ?? (cpuMs === Infinity ? 1000 : Infinity)
    const startMs = cpuTimeMs()
    const failures = new Map<string, Failure>()
    const states = new Set<number>()
    const seen = new Map<string, Set<number>>()
    let news = 0
    const observer: Observer = {
      wrote(state, writer) {
        if (!states.has(state)) news++
        states.add(state)
        const known = seen.get(writer)
        if (known === undefined) seen.set(writer, new Set([state]))
        else known.add(state)
      },
    }
    // Asking for the time costs as much as many steps of a schedule.
    const isOver = (): boolean =>
      signal?.aborted === true ||
      (cpuMs < Infinity && schedules % SCHEDULES_PER_LOOK === 0 && cpuTimeMs() - startMs >= cpuMs)
    let schedules = 1
    let actions = this.#reference.actions
    let toFailure: { schedulesToFailure: number; cpuMsToFailure: number } | undefined
    const fail = async (findings: readonly Finding[], decisions: readonly Decision[]): Promise<void> => {
      toFailure ??= { schedulesToFailure: schedules, cpuMsToFailure: cpuTimeMs() - startMs }
      for (const { oracle, message } of findings) {
        const id = `${oracle} ${message}`
        if (failures.has(id)) continue
        const naming = new NamingChooser(decisions)
        await runOnce(this.#prepared, naming, this.#compared(decisions))
        const plan = { scenario: this.#prepared.scenario.name, choices: naming.choices }
        failures.set(id, { oracle, message, plan })
      }
    }
    if (this.#reference.findings.length > 0) await fail(this.#reference.findings, [])
    const strategy = this.#strategy(mode, seed)
    while (failures.size < wanted && schedules < most && !isOver() && this.#reference.findings.length === 0) {
      const schedule = strategy.next()
      if (schedule === undefined) break
      news = 0
      const result = await runOnce(this.#prepared, schedule.chooser, this.#reference, observer)
      schedules++
      if (schedules % SCHEDULES_PER_LOOK === 0) options.progress?.(schedules)
      actions += result.actions
      schedule.ended?.(news)
      if (result.findings.length > 0) await fail(result.findings, schedule.decisions())
    }
    return {
      schedules,
      states: states.size,
      failures: [...failures.values()],
      complete: strategy.isComplete(),
      coverage: [...seen.values()].reduce((sum, { size }) => sum + size, 0),
      statistics: { cpuMs: cpuTimeMs() - startMs, actions, ...toFailure },
    }
  }

  /** Runs the schedule of a plan and tells everything that happened. */
  async replay(plan: Plan): Promise<Replay> {
    const chooser = new PlanChooser(plan.choices)
    const trace: TraceEntry[] = []
    const observer: Observer = { trace: (entry) => trace.push(entry) }
    const result = await runOnce(this.#prepared, chooser, this.#compared(plan.choices), observer)
    const isAtEnd = result.findings.every(({ oracle }) => oracle === 'confluence')
    const differences = isAtEnd ? objectDifferences(this.#reference.end, result.end) : []
    return { findings: result.findings, trace, differences, followed: chooser.followed, result }
  }

  /** What to compare a schedule with: the reference run is compared with nothing. */
  #compared(choices: readonly unknown[]): Reference | undefined {
    return choices.length === 0 ? undefined : this.#reference
  }

  #strategy(mode: NonNullable<ExploreOptions['mode']>, seed: number): Strategy {
    if (mode === 'exhaustive') return exhaustiveStrategy()
    return randomStrategy(seededRandom(seed), this.#referenceCounts, this.#prepared.limits, mode === 'guided')
  }
}

/** Decides which schedule is tried next. */
interface Strategy {
  next(): Schedule | undefined
  isComplete(): boolean
}

interface Schedule {
  readonly chooser: Chooser
  decisions(): readonly Decision[]
  /** Told how many states were new. */
  ended?(news: number): void
}

function exhaustiveStrategy(): Strategy {
  const search = new ExhaustiveSearch()
  let complete = false
  return {
    next() {
      const decisions = search.take()
      complete = decisions === undefined
      return decisions === undefined ? undefined : { chooser: search.chooser(decisions), decisions: () => decisions }
    },
    isComplete: () => complete,
  }
}

function randomStrategy(
  random: Random,
  counts: ReadonlyMap<ChoiceKind, number>,
  limits: Required<Limits>,
  guided: boolean,
): Strategy {
  const corpus: (readonly Decision[])[] = []
  return {
    next() {
      const given = guided && corpus.length > 0 && random.next() >= FRESH ? mutated(corpus, random) : []
      const left = Math.max(1, limits.perturbations - given.length)
      const chooser = new RandomChooser(random, chancesOf(random, counts, 1 + Math.floor(random.next() * left)), given)
      return {
        chooser,
        decisions: () => chooser.decisions,
        ended(news) {
          if (guided && news > 0) corpus.push([...chooser.decisions])
        },
      }
    },
    isComplete: () => false,
  }
}

/** Some kinds of choices, each as likely as makes about `wanted` unusual choices in all. */
function chancesOf(random: Random, counts: ReadonlyMap<ChoiceKind, number>, wanted: number): Chances {
  const kinds = (Object.keys(WEIGHTS) as ChoiceKind[]).filter(() => random.next() < 0.6)
  const counted = kinds.filter((kind) => counts.has(kind))
  const total = counted.reduce((sum, kind) => sum + WEIGHTS[kind], 0)
  return new Map(
    kinds.map((kind) => {
      const count = counts.get(kind)
      return [kind, count === undefined ? CHANCE_OF_NEW : (wanted * WEIGHTS[kind]) / (total * count)]
    }),
  )
}

/** The decisions of a schedule that found something new, perhaps without some of them. */
function mutated(corpus: readonly (readonly Decision[])[], random: Random): Decision[] {
  // The newest have been followed least.
  const index = Math.floor(corpus.length * Math.sqrt(random.next()))
  return corpus[index]!.filter(() => random.next() < 0.85)
}

/**
 * Fills the API servers of a scenario and makes the requests of its steps.
 * @throws TypeError, RangeError, ApiError when the scenario itself is wrong
 */
export async function prepare(scenario: Scenario): Promise<Prepared> {
  const servers = await prepareServers(scenario)
  const steps = await prepareSteps(scenario, servers)
  return { scenario, servers, steps, limits: { ...DEFAULT_LIMITS, ...scenario.limits }, stableEnds: new Set() }
}

async function runOnce(
  prepared: Prepared,
  chooser: Chooser,
  reference?: Reference,
  observer?: Observer,
): Promise<RunResult> {
  const run = new Run(prepared, chooser, reference, observer)
  const end = catchLostErrors((error) => run.lost(error))
  const endSilence = observer?.trace === undefined ? withoutStackTraces() : () => {}
  try {
    return await run.execute()
  } finally {
    endSilence()
    end()
  }
}

/** Explores a scenario from the beginning; see {@link Explorer} to do more with one. */
export async function explore(scenario: Scenario, options: ExploreOptions = {}): Promise<Result> {
  return (await Explorer.open(scenario)).explore(options)
}

/** Runs one schedule of a scenario. The same plan gives the same, always. */
export async function replay(scenario: Scenario, plan: Plan): Promise<Replay> {
  return (await Explorer.open(scenario)).replay(plan)
}
