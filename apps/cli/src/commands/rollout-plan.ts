import {
  assess,
  guessedDurations,
  plannedDurations,
  proposeStrategy,
  type Proposal,
  type Scenario,
} from '@locktender/rollout'
import { rollouts, rolloutStrategies } from '@locktender/fleet'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { printDocument, printObjects, resourceName, type OutputFormat } from '../output.ts'
import { planDocument } from '../rollout/plan-document.ts'
import { renderPlan } from '../rollout/plan-view.ts'
import {
  plannable,
  subjectOfFix,
  subjectOfRollout,
  type StakesFlags,
  type StrategyFlags,
  type Subject,
} from '../rollout/planned-rollout.ts'
import { proposedStrategy } from '../rollout/proposed-strategy.ts'
import type { Session } from '../session.ts'

export interface RolloutPlanOptions extends StakesFlags, StrategyFlags {
  /** A fix by its name, or a file with one, instead of a rollout. */
  readonly fix?: string
  /** Let the planner choose waves and soaks. */
  readonly propose: boolean
  readonly output: OutputFormat
}

/** Shows what a rollout will do and when, and with `propose` what would be best. Writes nothing. */
export async function rolloutPlan(
  session: Session,
  name: string | undefined,
  options: RolloutPlanOptions,
): Promise<void> {
  const subject = await subjectOf(session, name, options)
  const scenarioBy = await plannable(session, subject, options)
  const scenario = scenarioBy(subject.strategy)
  if (!options.propose) return print(session, subject, scenario, options.output)
  const proposal = propose(scenario)
  const strategy = proposedStrategy(`${subject.fix.metadata.name}-proposed`, subject.strategy, proposal.strategy.stages)
  if (options.output !== 'table' && options.output !== 'wide') {
    printObjects(session, options.output, rolloutStrategies, [strategy], [], true)
    return
  }
  const proposed = { ...subject, strategy: { name: strategy.metadata.name, spec: strategy.spec } }
  print(session, proposed, { ...scenario, strategy: proposal.strategy }, options.output, proposal)
  session.note(`to use it: add -o yaml > strategy.yaml, then kubectl apply -f strategy.yaml`)
}

function subjectOf(session: Session, name: string | undefined, options: RolloutPlanOptions): Promise<Subject> {
  if ((name === undefined) === (options.fix === undefined)) {
    throw new CommandError(exitCodes.usage, 'say what to plan: the NAME of a rollout, or --fix with a fix or its file')
  }
  if (options.fix !== undefined) return subjectOfFix(session, options.fix, options)
  if (options.strategy !== undefined || options.filename !== undefined) {
    throw new CommandError(
      exitCodes.usage,
      `the strategy of a rollout is frozen; compare it with another by "lkt rollout what-if ${name}", or plan its fix anew with --fix`,
    )
  }
  return plannedRollout(session, name!, options)
}

async function plannedRollout(
  session: Session,
  name: string,
  { propose: choose }: RolloutPlanOptions,
): Promise<Subject> {
  const subject = await subjectOfRollout(await session.client(), name)
  if (choose && subject.rollout.status?.startTime !== undefined) {
    throw new CommandError(
      exitCodes.conflict,
      `${name} has begun, so its waves stay as they are; for what is best from now on: lkt rollout plan --fix ${subject.fix.metadata.name} --propose`,
    )
  }
  return subject
}

function propose(scenario: Scenario): Proposal {
  const { strategy, history = [] } = scenario
  const known = history.some(({ count }) => count > 0) ? history : [guessedDurations(strategy)]
  return proposeStrategy({
    ...scenario,
    stages: strategy.stages.map(({ name }) => name),
    ...plannedDurations(known),
    rules: strategy,
  })
}

function print(
  session: Session,
  { fix, rollout, strategy }: Subject,
  scenario: Scenario,
  format: OutputFormat,
  proposal?: Proposal,
): void {
  const document = planDocument({
    fix: fix.metadata.name,
    strategy: strategy.name,
    scenario,
    assessment: assess(scenario),
    ...(rollout === undefined ? {} : { rollout }),
    ...(proposal === undefined ? {} : { reasons: proposal.reasons }),
  })
  if (format === 'name') session.out(`${resourceName(rollouts, document.rollout ?? document.fix)}\n`)
  else if (format === 'json' || format === 'yaml') printDocument(session, format, document)
  else session.out(renderPlan(document, session.now(), format === 'wide'))
}
