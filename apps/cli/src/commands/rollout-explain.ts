import { rollouts, type Rollout } from '@locktender/fleet'
import { printDocument, resourceName, type OutputFormat } from '../output.ts'
import { evidenceOf } from '../rollout/evidence.ts'
import { renderEvidence } from '../rollout/evidence-view.ts'
import { explainRollout } from '../rollout/explanation.ts'
import { renderExplanation } from '../rollout/explanation-view.ts'
import type { Session } from '../session.ts'

/** Says what a rollout waits for, how it stands, and what to do next. */
export async function rolloutExplain(
  session: Session,
  name: string,
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const rollout = await (await session.client()).get<Rollout>(rollouts, name)
  const explanation = explainRollout(rollout, session.now())
  if (output === 'name') session.out(`${resourceName(rollouts, name)}\n`)
  else if (output === 'json' || output === 'yaml') printDocument(session, output, explanation)
  else session.out(`${renderExplanation(explanation, session.now()).join('\n')}\n`)
}

/** Shows what the judgement of a rollout rests on. */
export async function rolloutEvidence(
  session: Session,
  name: string,
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const evidence = evidenceOf(await (await session.client()).get<Rollout>(rollouts, name))
  if (output === 'name') session.out(`${resourceName(rollouts, name)}\n`)
  else if (output === 'json' || output === 'yaml') printDocument(session, output, evidence)
  else session.out(renderEvidence(evidence, session.now(), output === 'wide'))
}
