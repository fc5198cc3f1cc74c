import { fieldInvalid, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import type { CustomResourceDefinition, DefinitionCondition } from './definition.ts'

const ANNOTATION = 'api-approved.kubernetes.io'
const PROTECTED_GROUP = /(^|\.)(k8s|kubernetes)\.io$/
const FIELD = `metadata.annotations[${ANNOTATION}]`
const MORE = 'see https://github.com/kubernetes/enhancements/pull/1111'

/** What a definition says about its approval by the Kubernetes community. */
interface Approval {
  readonly state: 'ApprovedAnnotation' | 'UnapprovedAnnotation' | 'MissingAnnotation' | 'InvalidAnnotation'
  readonly why: string
}

/** Groups below k8s.io and kubernetes.io belong to the community. Undefined for all others. */
function approvalOf({ spec, metadata }: CustomResourceDefinition): Approval | undefined {
  if (!PROTECTED_GROUP.test(spec.group)) return undefined
  const text = metadata.annotations?.[ANNOTATION] ?? ''
  const needed = `protected groups must have approval annotation "${ANNOTATION}"`
  if (text === '') return { state: 'MissingAnnotation', why: `${needed}, ${MORE}` }
  if (text.startsWith('unapproved'))
    return { state: 'UnapprovedAnnotation', why: `not approved: ${JSON.stringify(text)}` }
  if (URL.canParse(text) && new URL(text).host !== '')
    return { state: 'ApprovedAnnotation', why: `approved in ${text}` }
  const why = `${needed} with either a URL or a reason starting with "unapproved", ${MORE}`
  return { state: 'InvalidAnnotation', why }
}

/** Refuses a group of the community without its approval, unless that was so already. */
export function validateApproval(
  definition: CustomResourceDefinition,
  live: CustomResourceDefinition | undefined,
): FieldError[] {
  const approval = approvalOf(definition)
  if (approval === undefined) return []
  if (live !== undefined && approvalOf(live)?.state === approval.state) return []
  switch (approval.state) {
    case 'MissingAnnotation':
      return [fieldRequired(FIELD, approval.why)]
    case 'InvalidAnnotation':
      return [fieldInvalid(FIELD, definition.metadata.annotations?.[ANNOTATION], approval.why)]
    default:
      return []
  }
}

/** The condition that tells whether a group of the community is approved; undefined for other groups. */
export function approvalCondition(definition: CustomResourceDefinition, now: string): DefinitionCondition | undefined {
  const approval = approvalOf(definition)
  if (approval === undefined) return undefined
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: approval.state === 'ApprovedAnnotation' ? 'True' : 'False',
    reason: approval.state,
    message: approval.why,
    lastTransitionTime: now,
  }
}
