import { API_VERSION } from '@locktender/fleet'
import type { Rollout, RolloutStatus } from '@locktender/fleet'

interface TestPlan {
  readonly fix: string
  readonly deadline: string
  readonly stages: Rollout['spec']['plan']['stages']
  readonly autoRevert?: boolean
}

/** A rollout of which nothing matters but its plan and its status. */
export function rolloutOf(
  name: string,
  { fix, deadline, stages, autoRevert = true }: TestPlan,
  status: Partial<RolloutStatus> & Pick<RolloutStatus, 'phase'>,
): Rollout {
  return {
    apiVersion: API_VERSION,
    kind: 'Rollout',
    metadata: { name },
    spec: {
      fix,
      fixUid: 'u',
      seed: 1,
      deadline,
      plan: {
        hash: `sha256:${'ab'.repeat(32)}`,
        targets: stages.reduce((sum, { targets }) => sum + targets, 0),
        stages,
      },
      strategy: {
        approvals: 2,
        stages: [],
        failureBudget: { percent: 5, minimum: 3 },
        sequentialTest: { goodRate: '0.005', badRate: '0.05', alpha: '0.01', beta: '0.01' },
        operationTimeout: '45m',
        autoRevert,
      },
    },
    status: { approvals: [], stages: [], counts: {}, problems: [], decisions: 7, conditions: [], ...status },
  }
}
