import type { KindDefinition } from '../kind.ts'
import { approvalKind } from './approval.ts'
import { componentFixKind } from './component-fix.ts'
import { controlPlaneKind } from './control-plane.ts'
import { freezeWindowKind } from './freeze-window.ts'
import { managementClusterKind } from './management-cluster.ts'
import { releaseKind } from './release.ts'
import { rolloutStrategyKind } from './rollout-strategy.ts'
import { rolloutLogKind } from './rollout-log.ts'
import { rolloutKind } from './rollout.ts'

/** Every kind of the API group, in the order in which a reader should meet them. */
export const KINDS: readonly KindDefinition[] = [
  managementClusterKind,
  controlPlaneKind,
  releaseKind,
  componentFixKind,
  rolloutStrategyKind,
  rolloutKind,
  approvalKind,
  freezeWindowKind,
  rolloutLogKind,
]
