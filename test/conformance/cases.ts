import type { Case } from './case.ts'
import { discovery } from './g1-discovery.ts'
import { objects } from './g2-objects.ts'
import { lists } from './g3-lists.ts'
import { representations } from './g3-representations.ts'
import { watches } from './g4-watches.ts'
import { patches } from './g5-patches.ts'
import { apply } from './g6-apply.ts'
import { applyEndpoints } from './g6-endpoints.ts'
import { cascades } from './g7-cascades.ts'
import { lifecycle } from './g7-lifecycle.ts'
import { kubectlCases } from './kubectl-cases.ts'
import { definitions } from './g8-definitions.ts'
import { rules } from './g8-rules.ts'
import { schemas } from './g8-schemas.ts'
import { versions } from './g8-versions.ts'
import { access } from './g9-access.ts'
import { admission } from './g9-admission.ts'
import { credentials } from './g9-credentials.ts'
import { kinds } from './g9-kinds.ts'
import { refusals } from './g9-refusals.ts'
import { durability } from './g10-durability.ts'
import { scale } from './g10-scale.ts'

/** Cases that start, kill and damage servers of their own. */
export const hubCases: readonly Case[] = [...durability, ...scale]

/** Every case that asks one server by HTTP, in the order of the groups. */
export const httpCases: readonly Case[] = [
  ...discovery,
  ...objects,
  ...lists,
  ...representations,
  ...watches,
  ...patches,
  ...apply,
  ...applyEndpoints,
  ...lifecycle,
  ...cascades,
  ...definitions,
  ...schemas,
  ...rules,
  ...versions,
  ...access,
  ...credentials,
  ...admission,
  ...kinds,
  ...refusals,
]

const everyCase: Case[] = [...httpCases, ...hubCases, ...kubectlCases]

/** Cases whose id, group or tag is in the comma-separated list; all of them without one. */
export function selectCases(only: string | undefined): Case[] {
  if (only === undefined) return everyCase
  const wanted = only.split(',').map((word) => word.trim())
  const unknown = wanted.filter((word) => !everyCase.some((one) => isNamed(one, word)))
  if (unknown.length > 0) throw new RangeError(`no case has the id, group or tag ${unknown.join(', ')}`)
  return everyCase.filter((one) => wanted.some((word) => isNamed(one, word)))
}

function isNamed({ id, group, tags }: Case, word: string): boolean {
  return id === word || group === word || tags.includes(word)
}
