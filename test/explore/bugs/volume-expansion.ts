import { type Bug, story } from '../support/bug.ts'
import { expandingOperator } from '../support/expanding-operator.ts'
import { database } from '../support/kinds.ts'
import { changeSpec, SETTLE } from '../support/steps.ts'

export const volumeExpansion: Bug = {
  name: 'volume-expansion',
  class: 'intermediate',
  report: 'rabbitmq/cluster-operator#782',
  wentWrong:
    'To grow volumes the operator first deletes the StatefulSet and then resizes the claims; after a crash in between it makes the StatefulSet with the new size, sees no difference any more, and the claims stay small.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `volume-expansion ${variant}`,
      operator: () => [
        expandingOperator({ first: variant === 'buggy' ? 'delete set' : 'grow claims', when: 'larger' }),
      ],
      steps: [{ create: database('db', { size: 10, replicas: 2 }) }, SETTLE, changeSpec('db', { size: 15 })],
    }),
}
