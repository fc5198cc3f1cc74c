import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  durationMs,
  Explorer,
  type ExploreOptions,
  type Failure,
  failingPlan,
  type FailingPlan,
  planLength,
  printPlan,
  type Result,
  type Scenario,
  shrink,
  timeline,
  withoutSteps,
} from '@locktender/runtime/explore'
import { CommandError } from '../command-error.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type OutputFormat, printDocument } from '../output.ts'
import type { Session } from '../session.ts'
import { loadScenario, type LoadedScenario, relativeTo, type UnderTest } from './op-scenario.ts'

export interface OpExploreOptions extends UnderTest {
  readonly mode: NonNullable<ExploreOptions['mode']>
  readonly seed: number
  readonly schedules?: number
  /** Of processor time. */
  readonly for?: string
  readonly failures: number
  /** Where to write the plan; only with one failure. */
  readonly plan?: string
  /** Folder for plans and timelines. */
  readonly out: string
  readonly shrink: boolean
  readonly output: OutputFormat
}

/** How often progress is told, in milliseconds. */
const PROGRESS_MS = 5000

/** A failure that was found, and where it is kept. */
interface Kept {
  readonly plan: FailingPlan
  readonly file: string
  readonly story: string
  readonly before: number
  readonly after: number
}

/** Runs a scenario under many schedules, and keeps what goes wrong as small plans that replay it. */
export async function opExplore(session: Session, path: string, options: OpExploreOptions): Promise<ExitCode> {
  if (options.plan !== undefined && options.failures > 1) {
    throw new CommandError(exitCodes.usage, '--plan names one file; with --failures use --out')
  }
  const loaded = await loadScenario(path, options)
  const explorer = await opened(loaded.scenario)
  const result = await explorer.explore(exploreOptions(session, options))
  const kept: Kept[] = []
  for (const failure of result.failures) kept.push(await keep(session, loaded, failure, kept.length, options))
  if (options.output === 'json' || options.output === 'yaml') {
    printDocument(session, options.output, documentOf(loaded.scenario, options, result, kept))
  } else {
    for (const { story, file, before, after } of kept) {
      session.out(`${story}\nPLAN       ${file} (${after} of ${before} parts)\n`)
    }
    session.out(`${summary(result)}\n`)
  }
  if (session.signal.aborted) return exitCodes.interrupted
  return kept.length > 0 ? exitCodes.failed : exitCodes.done
}

/** A scenario that can be explored. */
export async function opened(scenario: Scenario): Promise<Explorer> {
  try {
    return await Explorer.open(scenario)
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    throw new CommandError(exitCodes.usage, `${scenario.name}: ${error.message}`)
  }
}

function exploreOptions(session: Session, options: OpExploreOptions): ExploreOptions {
  const { mode, seed, schedules, failures } = options
  const cpuMs = options.for === undefined ? undefined : durationMs(options.for)
  if (options.for !== undefined && cpuMs === undefined) {
    throw new CommandError(exitCodes.usage, `--for takes a duration such as 30s or 5m, not ${options.for}`)
  }
  let toldMs = session.clock.now()
  return {
    mode,
    seed,
    failures,
    signal: session.signal,
    ...(schedules !== undefined && { schedules }),
    ...(cpuMs !== undefined && { cpuMs }),
    progress: (count) => {
      const now = session.clock.now()
      if (now - toldMs < PROGRESS_MS) return
      toldMs = now
      session.note(`${count.toLocaleString('en')} schedules, nothing more found yet`)
    },
  }
}

async function keep(
  session: Session,
  { scenario, source }: LoadedScenario,
  failure: Failure,
  index: number,
  options: OpExploreOptions,
): Promise<Kept> {
  const found = failingPlan(failure, options.seed)
  const small = options.shrink ? (await shrink(scenario, found, { signal: session.signal })).plan : found
  const name = `${scenario.name} ${small.oracle}`.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()
  const file = options.plan ?? join(options.out, `${name}${index === 0 ? '' : `-${index + 1}`}.plan.yaml`)
  const folder = dirname(file)
  const plan = { ...small, source: relativeTo(folder, source) }
  const replay = await (await opened(withoutSteps(scenario, plan.withoutSteps))).replay(plan)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, printPlan(plan))
  const [before, after] = [planLength(scenario, found), planLength(scenario, plan)]
  return { plan, file, story: timeline(plan, replay), before, after }
}

function summary({ schedules, states, failures, complete, statistics }: Result): string {
  const found = failures.length === 0 ? 'nothing wrong' : `${failures.length} wrong`
  const all = complete ? ', which are all within the limits' : ''
  const seconds = (statistics.cpuMs / 1000).toFixed(1)
  return `${schedules.toLocaleString('en')} schedules${all}, ${states.toLocaleString('en')} states, ${seconds} s of processor time: ${found}`
}

function documentOf(scenario: Scenario, options: OpExploreOptions, result: Result, kept: readonly Kept[]): object {
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'Exploration',
    scenario: scenario.name,
    mode: options.mode,
    seed: options.seed,
    schedules: result.schedules,
    states: result.states,
    complete: result.complete,
    cpuSeconds: result.statistics.cpuMs / 1000,
    failures: kept.map(({ plan, file, before, after }) => ({
      oracle: plan.oracle,
      message: plan.message,
      plan: file,
      partsFound: before,
      partsLeft: after,
    })),
  }
}
