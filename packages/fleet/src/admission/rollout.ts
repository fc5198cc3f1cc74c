import { deepEqual, fieldForbidden, invalid } from '@locktender/kube'
import type { Rollout, RolloutSpec } from '../kinds/rollout.ts'
import { rollouts } from '../well-known.ts'
import type { AdmissionRequest } from './types.ts'

/** Refuses changes of what was approved, and stamps who paused or aborted. */
export function admitRollout(object: Rollout, request: AdmissionRequest): Rollout | undefined {
  const old = request.oldObject as Rollout | undefined
  if (old !== undefined && !deepEqual(frozen(object.spec), frozen(old.spec))) {
    throw invalid(rollouts, object.metadata.name, [
      fieldForbidden(
        'spec',
        'of a rollout only pause and abort can be changed, since approvals bind to everything else; abort it and request the fix again',
      ),
    ])
  }
  if (old?.spec.abort !== undefined && !sameRequest(object.spec.abort, old.spec.abort)) {
    throw invalid(rollouts, object.metadata.name, [
      fieldForbidden('spec.abort', 'an abort is final, since work has been given up for it; request the fix again'),
    ])
  }
  const pause = stamp(object.spec.pause, old?.spec.pause, request.user.name)
  const abort = stamp(object.spec.abort, old?.spec.abort, request.user.name)
  if (pause === object.spec.pause && abort === object.spec.abort) return undefined
  return {
    ...object,
    spec: {
      ...object.spec,
      ...(pause === undefined ? {} : { pause }),
      ...(abort === undefined ? {} : { abort }),
    },
  }
}

type Intervention = NonNullable<RolloutSpec['pause']>

/** Whoever gives or changes the reason is its author; somebody else changing another field is not. */
function stamp(next: Intervention | undefined, old: Intervention | undefined, user: string): Intervention | undefined {
  if (next === undefined) return undefined
  const by = old !== undefined && old.reason === next.reason && old.by !== undefined ? old.by : user
  return next.by === by ? next : { ...next, by }
}

function sameRequest(next: Intervention | undefined, old: Intervention): boolean {
  return next !== undefined && next.reason === old.reason
}

function frozen({ pause: _pause, abort: _abort, ...rest }: RolloutSpec) {
  return rest
}
