import type { KubeObject } from '@locktender/kube'
import type { Approval } from '../kinds/approval.ts'
import type { ComponentFix } from '../kinds/component-fix.ts'
import type { RolloutStrategy } from '../kinds/rollout-strategy.ts'
import type { Rollout } from '../kinds/rollout.ts'
import { approvals, componentFixes, GROUP, rollouts, rolloutStrategies } from '../well-known.ts'
import { admitApproval } from './approval.ts'
import { admitComponentFix } from './component-fix.ts'
import { admitRolloutStrategy } from './rollout-strategy.ts'
import { admitRollout } from './rollout.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from './types.ts'

/**
 * The rules of the fleet that a schema cannot say: who requested and approved is what the API server knows and not
 * what a client writes, nobody approves their own request, what was approved cannot change, and no two fixes fight
 * over one component. Objects have passed their schema before.
 */
export function fleetAdmission(): AdmissionPlugin {
  return {
    name: 'fleet',
    admit(request, reader) {
      const { object, resource, subresource, operation } = request
      if (resource.group !== GROUP || operation === 'DELETE' || object === undefined) return undefined
      if (subresource !== undefined && subresource !== '') return undefined
      return admitKind(object, request, reader)
    },
  }
}

function admitKind(object: KubeObject, request: AdmissionRequest, reader: AdmissionReader): KubeObject | undefined {
  switch (request.resource.plural) {
    case componentFixes.plural:
      return admitComponentFix(object as ComponentFix, request, reader)
    case approvals.plural:
      return admitApproval(object as Approval, request, reader)
    case rollouts.plural:
      return admitRollout(object as Rollout, request)
    case rolloutStrategies.plural:
      return admitRolloutStrategy(object as RolloutStrategy)
    default:
      return undefined
  }
}
