import type { ObjectsState } from '@locktender/runtime/explore'
import { type Bug, story } from '../support/bug.ts'
import { type Expandable, expandingOperator, gibibytes } from '../support/expanding-operator.ts'
import { database, NAMESPACE, type StatefulSet, statefulSets } from '../support/kinds.ts'
import { changeSpec, databaseIn, invariant, isGoing, SETTLE } from '../support/steps.ts'

/** Only a wish for more room is a reason to make the StatefulSet anew. */
const replacedToGrow = invariant('the StatefulSet goes only to come back larger', () => {
  let before: StatefulSet | undefined
  return (state: ObjectsState) => {
    const now = state.get<StatefulSet>(statefulSets, 'db', NAMESPACE)
    const gone = before !== undefined && !isGoing(before) && (now === undefined || isGoing(now))
    const template = before?.spec.volumeClaimTemplates?.[0]?.spec
    const had = template === undefined ? 0 : gibibytes(template)
    before = now
    const wanted = databaseIn<Expandable>(state)?.spec.size
    if (!gone || wanted === undefined || wanted > had) return undefined
    return `the StatefulSet with volumes of ${had} GiB was deleted while ${wanted} GiB are wanted`
  }
})

export const shrunkCapacity: Bug = {
  name: 'shrunk-capacity',
  class: 'stale',
  report: 'rabbitmq/cluster-operator#653',
  wentWrong:
    'After a restart the operator sees the size of before the expansion, takes any difference for a wish to resize, and deletes the StatefulSet.',
  oracles: ['invariant', 'confluence', 'convergence', 'endless errors'],
  scenario: (variant) =>
    story({
      name: `shrunk-capacity ${variant}`,
      operator: () => [expandingOperator({ first: 'grow claims', when: variant === 'buggy' ? 'different' : 'larger' })],
      steps: [{ create: database('db', { size: 10, replicas: 1 }) }, SETTLE, changeSpec('db', { size: 15 })],
      invariants: [replacedToGrow],
    }),
}
