import type { KubeObject } from '@locktender/kube'
import { AGE } from '../kind.ts'
import type { KindDefinition } from '../kind.ts'
import { array, object, optional, string } from '../schema/builder.ts'
import type { Infer } from '../schema/builder.ts'
import { objectName, prose, userName } from '../schema/common.ts'
import { approvals } from '../well-known.ts'

const spec = object(
  'What is approved, and by whom. Cannot be changed.',
  {
    rollout: objectName('Rollout.'),
    planHash: string('Digest of the plan as the approver saw it.', { maxLength: 71, pattern: '^sha256:[0-9a-f]{64}$' }),
    approver: optional(userName('Who approves. Set by the API server; anything given is replaced.')),
    groups: optional(
      array('Groups of the approver. Set by the API server; anything given is replaced.', userName('Group.'), {
        maxItems: 256,
      }),
    ),
    comment: optional(prose('What the approver has to say.')),
  },
  { rules: [{ rule: 'self == oldSelf', message: 'cannot be changed' }] },
)

export type ApprovalSpec = Infer<typeof spec>

/** One person's consent to one plan. */
export interface Approval extends KubeObject {
  readonly spec: ApprovalSpec
}

export const approvalKind: KindDefinition = {
  resource: approvals,
  description: "One person's consent to one plan. Can be created, never changed.",
  shortNames: ['appr'],
  columns: [
    { name: 'Rollout', type: 'string', jsonPath: '.spec.rollout', description: 'Rollout.' },
    { name: 'Approver', type: 'string', jsonPath: '.spec.approver', description: 'Who approved.' },
    {
      name: 'Plan',
      type: 'string',
      jsonPath: '.spec.planHash',
      description: 'Digest of the approved plan.',
      priority: 1,
    },
    AGE,
  ],
  spec,
}
