import type { Case } from './case.ts'
import { applies } from './kubectl-leg-apply.ts'
import { discoveries } from './kubectl-leg-discover.ts'
import { gets } from './kubectl-leg-get.ts'
import { workloads } from './kubectl-leg-workloads.ts'
import { writes } from './kubectl-leg-write.ts'

/** What people do with kubectl, for each of its versions. */
export const kubectlCases: readonly Case[] = [...gets, ...applies, ...writes, ...workloads, ...discoveries]
