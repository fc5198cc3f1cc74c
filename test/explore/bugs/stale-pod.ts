import { type Bug, story } from '../support/bug.ts'
import { type Claim, claims, database, NAMESPACE, pods } from '../support/kinds.ts'
import { nodeOperator } from '../support/node-operator.ts'
import { changeSpec, invariant, isGoing, SETTLE } from '../support/steps.ts'

/** A claim goes only when the pod that uses it does. */
const usedClaimsStay = invariant('the claim of a pod that stays is not deleted', () => {
  const going = new Set<string>()
  return (state) => {
    for (const claim of state.list<Claim>(claims, NAMESPACE)) {
      const { uid, name } = claim.metadata
      if (!isGoing(claim) || going.has(uid!)) continue
      going.add(uid!)
      const user = state.get(pods, name.slice('data-'.length), NAMESPACE)
      if (user !== undefined && !isGoing(user)) return `the claim ${name} was deleted while its pod stays`
    }
    return undefined
  }
})

export const stalePod: Bug = {
  name: 'stale-pod',
  class: 'stale',
  report: 'instaclustr/cassandra-operator#407',
  wentWrong:
    'After a restart the operator sees a pod of an earlier scale-down that was about to go and deletes the claim of that name, which the pod of the scale-up uses.',
  oracles: ['invariant', 'confluence'],
  scenario: (variant) =>
    story({
      name: `stale-pod ${variant}`,
      operator: () => [nodeOperator({ verifies: variant === 'repaired', sweeps: true })],
      steps: [
        { create: database('db', { nodes: 2 }) },
        SETTLE,
        changeSpec('db', { nodes: 1 }),
        SETTLE,
        changeSpec('db', { nodes: 2 }),
      ],
      invariants: [usedClaimsStay],
    }),
}
