import type { AnyObject } from '../object.ts'
import type { WriteContext } from '../write-context.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { matchRules } from './matching.ts'
import { mutateByWebhooks } from './mutating-webhooks.ts'
import { checkPolicies } from './policies.ts'
import { validateByWebhooks } from './validating-webhooks.ts'
import { invocationOf } from './webhook.ts'
import type { Invocation } from './webhook.ts'

/** How long all webhooks of one phase may take together: kube-apiserver gives no write more time. */
const PHASE_MS = 34_000

/** Configurations of admission itself cannot lock their owners out. */
const EXEMPT = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
])

function isExempt({ served: { resource } }: WriteContext): boolean {
  return resource.group === 'admissionregistration.k8s.io' && EXEMPT.has(resource.plural)
}

/**
 * Lets mutating webhooks change the object; returns the same one when there is nothing to change. Answers at once
 * when no webhook has a say.
 * @throws ApiError, as rejection when it answers with a promise
 */
export function mutate(attributes: AdmissionAttributes): AnyObject | undefined | Promise<AnyObject | undefined> {
  const { context, object, operation } = attributes
  const { admissionConfiguration, database } = context.cluster
  const { mutating } = admissionConfiguration.current
  if (mutating.length === 0 || isExempt(context)) return object
  const concerned = mutating.filter(
    (webhook) => matchRules(webhook.rules, webhook.equivalent, attributes) !== undefined,
  )
  if (concerned.length === 0) return object
  const deadline = database.clock.now() + PHASE_MS
  if (operation !== 'CREATE' || object === undefined) return mutateByWebhooks(attributes, concerned, deadline)
  const unborn = withoutSystemFields(object, attributes.name)
  return mutateByWebhooks({ ...attributes, object: unborn }, concerned, deadline).then((changed) =>
    changed === unborn ? object : changed,
  )
}

/** Before its creation an object has neither a uid nor a time, and no name that was made from generateName. */
function withoutSystemFields(object: AnyObject, name: string): AnyObject {
  const metadata: Partial<AnyObject['metadata']> = { ...object.metadata }
  for (const field of ['uid', 'resourceVersion', 'generation', 'creationTimestamp'] as const) delete metadata[field]
  if (name === '') delete metadata.name
  return { ...object, metadata: metadata as AnyObject['metadata'] }
}

/**
 * Lets policies and then validating webhooks refuse. Answers undefined, at once, when no webhook has to be asked.
 * @throws ApiError, as rejection when it answers with a promise
 */
export function review(attributes: AdmissionAttributes): Promise<void> | undefined {
  const { context } = attributes
  const { admissionConfiguration, database } = context.cluster
  const { policies, validating } = admissionConfiguration.current
  if ((policies.length === 0 && validating.length === 0) || isExempt(context)) return undefined
  const settled = withoutEmptyVersion(attributes)
  checkPolicies(settled, policies)
  const invocations: Invocation[] = []
  for (const webhook of validating) {
    const invocation = invocationOf(webhook, settled)
    if (invocation !== undefined) invocations.push(invocation)
  }
  if (invocations.length === 0) return undefined
  return validateByWebhooks(settled, invocations, database.clock.now() + PHASE_MS)
}

/** What is not stored yet has no resource version; the place is only reserved. */
function withoutEmptyVersion(attributes: AdmissionAttributes): AdmissionAttributes {
  const { object } = attributes
  if (object?.metadata.resourceVersion !== '') return attributes
  const { resourceVersion: _none, ...metadata } = object.metadata
  return { ...attributes, object: { ...object, metadata } }
}
