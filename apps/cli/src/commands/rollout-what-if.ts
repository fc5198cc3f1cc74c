import { assess, whatIf, type Assessment } from '@locktender/rollout'
import { rollouts } from '@locktender/fleet'
import { CommandError } from '../command-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { printDocument, resourceName, type OutputFormat } from '../output.ts'
import { planDocument, type PlanDocument } from '../rollout/plan-document.ts'
import {
  otherStrategy,
  plannable,
  subjectOfRollout,
  type StakesFlags,
  type StrategyFlags,
} from '../rollout/planned-rollout.ts'
import { whatIfDocument } from '../rollout/what-if-document.ts'
import { renderWhatIf } from '../rollout/what-if-view.ts'
import type { Session } from '../session.ts'
import type { NamedStrategy } from '../strategy-source.ts'

export interface WhatIfOptions extends StakesFlags, StrategyFlags {
  readonly output: OutputFormat
}

/** Compares a rollout with what it would be by another strategy. Writes nothing. */
export async function rolloutWhatIf(session: Session, name: string, options: WhatIfOptions): Promise<void> {
  const other = await otherStrategy(session, options)
  if (other === undefined) {
    throw new CommandError(exitCodes.usage, 'say with what to compare: --strategy NAME, or -f FILE')
  }
  const subject = await subjectOfRollout(await session.client(), name)
  const scenarioBy = await plannable(session, subject, options)
  const planned = (strategy: NamedStrategy): { readonly assessment: Assessment; readonly document: PlanDocument } => {
    const scenario = scenarioBy(strategy)
    const assessment = assess(scenario)
    const { fix, rollout } = subject
    return {
      assessment,
      document: planDocument({ fix: fix.metadata.name, strategy: strategy.name, scenario, assessment, rollout }),
    }
  }
  const [before, after] = [planned(subject.strategy), planned(other)]
  const difference = whatIf(before.assessment, after.assessment)
  const document = whatIfDocument(name, before.document, after.document, difference)
  if (options.output === 'name') session.out(`${resourceName(rollouts, name)}\n`)
  else if (options.output === 'json' || options.output === 'yaml') printDocument(session, options.output, document)
  else {
    session.out(renderWhatIf(document, session.now()))
    session.note(
      `the strategy of a rollout is frozen; to use another: lkt rollout abort ${name} --reason WHY, then request the fix again with --strategy`,
    )
  }
}
