import { deepEqual, fieldForbidden, fieldInvalid, forbidden, invalid } from '@locktender/kube'
import type { Approval } from '../kinds/approval.ts'
import type { ComponentFix } from '../kinds/component-fix.ts'
import type { Rollout, RolloutPhase } from '../kinds/rollout.ts'
import { approvals, componentFixes, rollouts } from '../well-known.ts'
import type { AdmissionReader, AdmissionRequest } from './types.ts'

const APPROVALS = { group: approvals.group, resource: approvals.plural }
const OVER: ReadonlySet<RolloutPhase> = new Set(['Reverted', 'Completed', 'Aborted'])

/** Stamps who approves and refuses approvals that must not count. */
export function admitApproval(
  object: Approval,
  request: AdmissionRequest,
  reader: AdmissionReader,
): Approval | undefined {
  if (request.oldObject !== undefined) return keepSpec(object, request.oldObject as Approval)
  const { name } = object.metadata
  const { user } = request
  const { planHash } = object.spec
  const rollout = reader.get<Rollout>(rollouts, object.spec.rollout)
  if (rollout === undefined) {
    throw invalid(approvals, name, [
      fieldInvalid(
        'spec.rollout',
        object.spec.rollout,
        'there is no such Rollout, and an approval cannot be given in advance since it binds to a plan; choose one of "kubectl get rollouts"',
      ),
    ])
  }
  if (planHash !== rollout.spec.plan.hash) {
    throw invalid(approvals, name, [
      fieldInvalid(
        'spec.planHash',
        planHash,
        `Rollout "${rollout.metadata.name}" has the plan ${rollout.spec.plan.hash}, so what you looked at is not what would happen; look at the plan again and approve its hash`,
      ),
    ])
  }
  if (rollout.status !== undefined && OVER.has(rollout.status.phase)) {
    throw forbidden(
      APPROVALS,
      name,
      `Rollout "${rollout.metadata.name}" is over (${rollout.status.phase}), so an approval has no effect; approve the rollout that is waiting, see "kubectl get rollouts"`,
    )
  }
  refuseRequester(object, rollout, request, reader)
  refuseSecond(object, request, reader)
  return { ...object, spec: { ...object.spec, approver: user.name, groups: [...user.groups] } }
}

function keepSpec(object: Approval, old: Approval): Approval | undefined {
  const stamped = {
    ...(old.spec.approver === undefined ? {} : { approver: old.spec.approver }),
    ...(old.spec.groups === undefined ? {} : { groups: old.spec.groups }),
  }
  const kept = { ...object, spec: { ...stamped, ...object.spec } }
  if (!deepEqual(kept.spec, old.spec)) {
    throw invalid(approvals, object.metadata.name, [
      fieldForbidden(
        'spec',
        'an approval cannot be changed, since it is the record of what was consented to; pause or abort the rollout to withdraw consent',
      ),
    ])
  }
  return deepEqual(kept.spec, object.spec) ? undefined : kept
}

/** Two pairs of eyes: whoever asked for the change is not one who consents to it. */
function refuseRequester(
  object: Approval,
  rollout: Rollout,
  { user }: AdmissionRequest,
  reader: AdmissionReader,
): void {
  const { name } = object.metadata
  const fix = reader.get<ComponentFix>(componentFixes, rollout.spec.fix)
  const requester = fix?.metadata.uid === rollout.spec.fixUid ? fix.spec.requestedBy : undefined
  if (requester === undefined) {
    throw forbidden(
      APPROVALS,
      name,
      `it is not known who requested ComponentFix "${rollout.spec.fix}" of Rollout "${rollout.metadata.name}", so a second person cannot be ensured; request the fix again`,
    )
  }
  if (requester === user.name) {
    throw forbidden(
      APPROVALS,
      name,
      `"${user.name}" requested ComponentFix "${rollout.spec.fix}" and nobody approves their own request; ask somebody else with the role locktender-approver`,
    )
  }
}

function refuseSecond(object: Approval, { user }: AdmissionRequest, reader: AdmissionReader): void {
  const { rollout, planHash } = object.spec
  const given = reader
    .list<Approval>(approvals)
    .find(({ spec }) => spec.rollout === rollout && spec.planHash === planHash && spec.approver === user.name)
  if (given === undefined) return
  throw forbidden(
    APPROVALS,
    object.metadata.name,
    `"${user.name}" has approved this plan already (Approval "${given.metadata.name}"), and each approval must come from another person; ask somebody else with the role locktender-approver`,
  )
}
