import type { AnyObject } from '../objects/object.ts'
import type { WriteContext } from '../write/write-context.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { matchRules } from './matching.ts'
import { mutateByWebhooks } from './mutating-webhooks.ts'
import { checkPolicies } from './policies.ts'
import { validateByWebhooks } from './validating-webhooks.ts'
import { integerAt, scaleOf, withInteger } from '../write/scaling.ts'
import type { ServedResource } from '../served-resource.ts'
import { prepareVersion } from './versions.ts'
import { invocationOf } from './webhook.ts'
import type { Invocation, Webhook } from './webhook.ts'

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
  const { context, object } = attributes
  const { admissionConfiguration } = context.cluster
  const { mutating } = admissionConfiguration.current
  if (mutating.length === 0 || isExempt(context)) return object
  const concerned = mutating.filter(
    (webhook) => matchRules(webhook.rules, webhook.equivalent, attributes) !== undefined,
  )
  return concerned.length === 0 ? object : mutateShown(attributes, concerned)
}

async function mutateShown(
  attributes: AdmissionAttributes,
  webhooks: readonly Webhook[],
): Promise<AnyObject | undefined> {
  const { context, object, operation, name } = attributes
  const seen = asScale(attributes)
  const shown =
    operation === 'CREATE' && seen.object !== undefined
      ? { ...seen, object: withoutSystemFields(seen.object, name) }
      : seen
  const changed = await mutateByWebhooks(shown, webhooks)
  if (changed === shown.object || object === undefined || changed === undefined) return object
  const { scaling } = context.served
  if (changed.kind !== 'Scale' || scaling === undefined || context.subresource !== 'scale') return changed
  return withInteger(object, scaling.specPath, integerAt(changed, '.spec.replicas') ?? 0)
}

/** Through `scale` nothing is written but a number, and that is what admission is shown. */
function asScale(attributes: AdmissionAttributes): AdmissionAttributes {
  const { context, object, oldObject } = attributes
  const { scaling } = context.served
  if (context.subresource !== 'scale' || scaling === undefined) return attributes
  return {
    ...attributes,
    object: object === undefined ? undefined : scaleOf(object, scaling),
    oldObject: oldObject === undefined ? undefined : scaleOf(oldObject, scaling),
  }
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
  const { policies, validating } = context.cluster.admissionConfiguration.current
  if ((policies.length === 0 && validating.length === 0) || isExempt(context)) return undefined
  const seen = withoutEmptyVersion(asScale(attributes))
  const { served } = context
  if (served.webhookConversion === undefined) return reviewShown(seen)
  const others = new Set<ServedResource>()
  for (const { rules, equivalent } of [...policies.map(({ match }) => match), ...validating]) {
    const as = matchRules(rules, equivalent, seen)
    if (as !== undefined && as !== served) others.add(as)
  }
  return others.size === 0 ? reviewShown(seen) : reviewConverted(seen, others)
}

async function reviewConverted(attributes: AdmissionAttributes, versions: Iterable<ServedResource>): Promise<void> {
  const { context, object, oldObject } = attributes
  for (const as of versions) await prepareVersion(context.cluster, [object, oldObject], context.served, as)
  await reviewShown(attributes)
}

function reviewShown(attributes: AdmissionAttributes): Promise<void> | undefined {
  const { policies, validating } = attributes.context.cluster.admissionConfiguration.current
  checkPolicies(attributes, policies)
  const invocations: Invocation[] = []
  for (const webhook of validating) {
    const invocation = invocationOf(webhook, attributes)
    if (invocation !== undefined) invocations.push(invocation)
  }
  if (invocations.length === 0) return undefined
  return validateByWebhooks(attributes, invocations)
}

/** What is not stored yet has no resource version; the place is only reserved. */
function withoutEmptyVersion(attributes: AdmissionAttributes): AdmissionAttributes {
  const { object } = attributes
  if (object?.metadata.resourceVersion !== '') return attributes
  const { resourceVersion: _none, ...metadata } = object.metadata
  return { ...attributes, object: { ...object, metadata } }
}
