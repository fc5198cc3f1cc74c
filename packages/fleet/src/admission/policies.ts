import type { KubeObject, Resource } from '@locktender/kube'
import { rolloutKind } from '../kinds/rollout.ts'
import { APPEND_MESSAGE, FINAL_INTERVENTIONS, FROZEN_MESSAGE, INTERVENTIONS, SINGLE_OUT } from './rollout.ts'
import { API_VERSION, approvals, componentFixes, rollouts, rolloutStrategies } from '../well-known.ts'

interface Validation {
  readonly expression: string
  /** What, why and what to do, in one line. */
  readonly message: string
  readonly reason: 'Invalid' | 'Forbidden'
}

interface PolicySpec {
  readonly failurePolicy: 'Fail'
  readonly paramKind?: { readonly apiVersion: string; readonly kind: string }
  readonly matchConstraints: { readonly resourceRules: readonly object[] }
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[]
  readonly validations: readonly Validation[]
}

/** admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy, or the binding that puts one into force. */
export interface PolicyObject extends KubeObject {
  readonly spec: object
}

/**
 * The rules of `fleetAdmission` for a hub that is not our own API server, as far as expressions can say them. A policy
 * cannot write, so where the plugin stamps who requested, approved, paused or aborted, the policy demands that the
 * client says so truthfully.
 *
 * What a policy sees is one object, or one object and one parameter. These rules of the plugin need more, and hold on
 * such a hub only with an admission webhook in front of it:
 * - a fix must not be for releases that another fix of the same component is for, and its own targets must not overlap;
 * - ranges of versions must be of one release line and not inverted;
 * - nobody approves their own request (the way is from the approval over its rollout to the fix); the manager does not
 *   count such an approval, so nothing is delivered by it;
 * - an approval must be for a rollout that exists, and the second one by the same person is refused; the manager counts
 *   neither.
 */
export function fleetPolicies(): PolicyObject[] {
  return [
    ...inForce('locktender-componentfix', rulesOn(componentFixes, COMPONENT_FIX)),
    ...inForce('locktender-approval', rulesOn(approvals, APPROVAL)),
    ...inForce('locktender-approval-plan', APPROVAL_PLAN, {
      paramRef: { selector: {}, parameterNotFoundAction: 'Deny' },
    }),
    ...inForce('locktender-rollout', rulesOn(rollouts, rolloutRules())),
    ...inForce('locktender-rolloutstrategy', rulesOn(rolloutStrategies, ROLLOUT_STRATEGY)),
  ]
}

function inForce(name: string, spec: PolicySpec, bound: object = {}): PolicyObject[] {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const metadata = { name }
  return [
    { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata, spec },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: name, ...bound, validationActions: ['Deny'] },
    },
  ]
}

function rulesOn(resource: Resource, validations: readonly Validation[]): PolicySpec {
  return { failurePolicy: 'Fail', matchConstraints: { resourceRules: [writesOf(resource)] }, validations }
}

/** Creation and change of the object itself; its status is another endpoint. */
function writesOf({ group, version, plural }: Resource, operations = ['CREATE', 'UPDATE']): object {
  return { operations, apiGroups: [group], apiVersions: [version], resources: [plural] }
}

const IS_NEW = "request.operation == 'CREATE'"
const USER = 'request.userInfo.username'

const COMPONENT_FIX: readonly Validation[] = [
  {
    expression: `!(${IS_NEW}) || (has(object.spec.requestedBy) && object.spec.requestedBy == ${USER})`,
    message:
      'spec.requestedBy must be your own user name, since nobody may approve their own request; "kubectl auth whoami" tells it',
    reason: 'Forbidden',
  },
  {
    expression: `${IS_NEW} || object.spec == oldObject.spec`,
    message:
      'a fix cannot be changed, since approvals and control planes already rely on what it says; create another ComponentFix that supersedes this one',
    reason: 'Invalid',
  },
  {
    expression: "object.spec.targets.all(target, target.image.matches('^[^@]+@sha256:[0-9a-f]{64}$'))",
    message:
      'each image must name its content by digest, registry/repository@sha256:<64 hex digits>, since a tag can point to other content tomorrow',
    reason: 'Invalid',
  },
  {
    expression: "duration(object.spec.deadline) > duration('0s')",
    message: 'spec.deadline leaves no time at all, so every plan would miss it; write it like 24h',
    reason: 'Invalid',
  },
]

const APPROVAL: readonly Validation[] = [
  {
    expression: `!(${IS_NEW}) || (has(object.spec.approver) && object.spec.approver == ${USER})`,
    message: 'spec.approver must be your own user name; "kubectl auth whoami" tells it',
    reason: 'Forbidden',
  },
  {
    expression: `!(${IS_NEW}) || !has(object.spec.groups) || object.spec.groups.all(group, group in request.userInfo.groups)`,
    message: 'spec.groups may name only groups you are in; "kubectl auth whoami" tells them',
    reason: 'Forbidden',
  },
  {
    expression: `${IS_NEW} || object.spec == oldObject.spec`,
    message:
      'an approval cannot be changed, since it is the record of what was consented to; pause or abort the rollout to withdraw consent',
    reason: 'Invalid',
  },
]

/** Held against each Rollout there is; those the approval is not for have nothing to say. */
const APPROVAL_PLAN: PolicySpec = {
  failurePolicy: 'Fail',
  paramKind: { apiVersion: API_VERSION, kind: rollouts.kind },
  matchConstraints: { resourceRules: [writesOf(approvals, ['CREATE'])] },
  matchConditions: [{ name: 'its-rollout', expression: 'object.spec.rollout == params.metadata.name' }],
  validations: [
    {
      expression: 'object.spec.planHash == params.spec.plan.hash',
      message:
        'the Rollout has another plan, so what you looked at is not what would happen; look at the plan again and approve its hash',
      reason: 'Invalid',
    },
    {
      expression: "!has(params.status) || !(params.status.phase in ['Aborted', 'Completed', 'Reverted'])",
      message:
        'the Rollout is over, so an approval has no effect; approve the one that is waiting, see "kubectl get rollouts"',
      reason: 'Forbidden',
    },
  ],
}

function rolloutRules(): Validation[] {
  const fields = Object.keys(rolloutKind.spec.structural.properties ?? {})
  const changeable: readonly string[] = [...INTERVENTIONS, ...SINGLE_OUT]
  const frozen = fields.filter((field) => !changeable.includes(field))
  return [
    {
      expression: `${IS_NEW} || (${frozen.map(isSame).join(' && ')})`,
      message: FROZEN_MESSAGE,
      reason: 'Invalid',
    },
    ...Object.entries(FINAL_INTERVENTIONS).map(([field, message]): Validation => ({
      expression: `${IS_NEW} || !has(oldObject.spec.${field}) || ${isSame(field)}`,
      message,
      reason: 'Invalid',
    })),
    ...INTERVENTIONS.map((field): Validation => ({
      expression: `!has(object.spec.${field}) || (oldObject != null && ${isSame(field)}) || (has(object.spec.${field}.by) && object.spec.${field}.by == ${USER})`,
      message: `spec.${field}.by must be your own user name, so that people know whom to ask; "kubectl auth whoami" tells it`,
      reason: 'Forbidden',
    })),
    ...SINGLE_OUT.flatMap(growingList),
  ]
}

/** Entries are added by whom they name, and none is taken away. */
function growingList(field: (typeof SINGLE_OUT)[number]): Validation[] {
  const [now, before] = [`object.spec.${field}`, `oldObject.spec.${field}`]
  return [
    {
      expression: `${IS_NEW} || !has(${before}) || (has(${now}) && size(${now}) >= size(${before}) && ${before}.all(e, e in ${now}))`,
      message: `spec.${field}: ${APPEND_MESSAGE}`,
      reason: 'Invalid',
    },
    {
      expression: `!has(${now}) || ${now}.all(e, (oldObject != null && has(${before}) && e in ${before}) || (has(e.by) && e.by == ${USER}))`,
      message: `by of a new entry of spec.${field} must be your own user name, so that people know whom to ask; "kubectl auth whoami" tells it`,
      reason: 'Forbidden',
    },
  ]
}

/** Both have the field with the same value, or neither has it. */
function isSame(field: string): string {
  const [now, before] = [`object.spec.${field}`, `oldObject.spec.${field}`]
  return `(has(${now}) ? has(${before}) && ${now} == ${before} : !has(${before}))`
}

const ROLLOUT_STRATEGY: readonly Validation[] = [
  {
    expression: 'double(object.spec.sequentialTest.goodRate) < double(object.spec.sequentialTest.badRate)',
    message:
      'spec.sequentialTest.goodRate is not below badRate, so the test could not tell a good fix from a bad one; lower goodRate or raise badRate',
    reason: 'Invalid',
  },
  {
    expression: 'double(object.spec.sequentialTest.alpha) + double(object.spec.sequentialTest.beta) < 1.0',
    message:
      'spec.sequentialTest.alpha and beta add up to 1 or more, so the test would be no better than a coin; choose values like 0.01',
    reason: 'Invalid',
  },
  {
    expression: "duration(object.spec.operationTimeout) > duration('0s')",
    message:
      'spec.operationTimeout leaves no time at all, so every change would fail; a healthy one takes about 15m, so write at least 30m',
    reason: 'Invalid',
  },
]
