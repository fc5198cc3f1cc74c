import { apiVersionOf, internalError, randomUuid } from '@locktender/kube'
import type { LogicalCluster } from '../cluster.ts'
import { convertByWebhook } from '../crd/webhook-conversion.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'

/** What conversion webhooks have made of objects, by the wanted apiVersion, for as long as the objects are needed. */
const converted = new WeakMap<AnyObject, Map<string, AnyObject>>()

/**
 * An object of `from` as `to`, another version of the same resource, shows it. Where only a webhook can convert, it
 * must have been asked by {@link prepareVersion}.
 */
export function asVersion(object: AnyObject, from: ServedResource, to: ServedResource): AnyObject {
  const wanted = apiVersionOf(to.resource)
  // What is written through a subresource with a kind of its own has one version only.
  if (from === to || object.kind !== from.resource.kind || object.apiVersion === wanted) return object
  if (from.webhookConversion !== undefined) {
    const known = converted.get(object)?.get(wanted)
    if (known === undefined) throw internalError(`${object.kind} has not been converted to ${wanted}`)
    return known
  }
  const stored = from.conversion?.toStored(object) ?? object
  const shown = to.conversion?.toServed(stored) ?? { ...stored, apiVersion: wanted, kind: to.resource.kind }
  return to.compiled?.applyDefaults(to.compiled.prune(shown).value) ?? shown
}

/**
 * Lets the conversion webhook of a definition, if it has one, make what {@link asVersion} will be asked for.
 * @throws ApiError
 */
export async function prepareVersion(
  cluster: LogicalCluster,
  objects: readonly (AnyObject | undefined)[],
  from: ServedResource,
  to: ServedResource,
): Promise<void> {
  const wanted = apiVersionOf(to.resource)
  if (from === to || from.webhookConversion === undefined) return
  const missing = objects.filter(
    (object): object is AnyObject =>
      object !== undefined &&
      object.kind === from.resource.kind &&
      object.apiVersion !== wanted &&
      converted.get(object)?.get(wanted) === undefined,
  )
  if (missing.length === 0) return
  const answers = await convertByWebhook({
    client: cluster.webhooks,
    cluster: cluster.name,
    conversion: from.webhookConversion,
    objects: missing,
    apiVersion: wanted,
    uid: randomUuid(cluster.database.random),
  })
  for (const [index, object] of missing.entries()) {
    const known = converted.get(object) ?? new Map<string, AnyObject>()
    known.set(wanted, to.compiled?.applyDefaults(to.compiled.prune(answers[index]!).value) ?? answers[index]!)
    converted.set(object, known)
  }
}
