import type { Case } from './case.ts'
import { helmCases } from './helm-leg.ts'
import { applies } from './kubectl-leg-apply.ts'
import { discoveries } from './kubectl-leg-discover.ts'
import { gets } from './kubectl-leg-get.ts'
import { workloads } from './kubectl-leg-workloads.ts'
import { writes } from './kubectl-leg-write.ts'

/** What people do with kubectl and helm, for each of their versions. */
export const kubectlCases: readonly Case[] = [
  ...gets,
  ...applies,
  ...writes,
  ...workloads,
  ...discoveries,
  ...helmCases,
]
