import { type Bug, story } from '../support/bug.ts'
import { database } from '../support/kinds.ts'
import { nodeOperator } from '../support/node-operator.ts'
import { changeSpec, SETTLE } from '../support/steps.ts'

export const missedGoingPod: Bug = {
  name: 'missed-going-pod',
  class: 'unobserved',
  report: 'instaclustr/cassandra-operator#398',
  wentWrong:
    'The claim of a node that leaves is deleted only while the operator sees its pod going; when the pod is gone before it looks, the claim stays for ever.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `missed-going-pod ${variant}`,
      operator: () => [nodeOperator({ verifies: true, sweeps: variant === 'repaired' })],
      steps: [{ create: database('db', { nodes: 2 }) }, SETTLE, changeSpec('db', { nodes: 1 })],
    }),
}
