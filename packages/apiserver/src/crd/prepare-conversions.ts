import { apiVersionOf, randomUuid } from '@locktender/kube'
import type { LogicalCluster } from '../cluster.ts'
import type { Stored } from '../database.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { convertByWebhook } from './webhook-conversion.ts'

/**
 * Lets a webhook convert those of the stored objects that `served` shows in another version than theirs, in one
 * question, so that they can be read at once afterwards: until the returned function is called.
 * @throws ApiError
 */
export async function prepareConversions(
  cluster: LogicalCluster,
  served: ServedResource,
  stored: readonly Stored[],
): Promise<() => void> {
  const { database } = cluster
  const missing = new Set(stored.filter((one) => database.needsWebhook(served, one)))
  // A newer state of the same object would take the place of what is known of an older one.
  const known = stored.filter((one) => !missing.has(one) && !isServedVersion(database.parse(one), served))
  const releases = known.map((one) => database.keep(served, one))
  if (missing.size > 0) {
    const asked = [...missing]
    const objects = asked.map((one) => database.parse(one))
    const answers = await convert(cluster, served, objects, apiVersionOf(served.resource))
    asked.forEach((one, index) => releases.push(database.keep(served, one, answers[index]!)))
  }
  return () => {
    for (const release of releases) release()
  }
}

function isServedVersion(object: AnyObject, { resource }: ServedResource): boolean {
  return object.apiVersion === apiVersionOf(resource)
}

/**
 * The object in the version in which its kind is stored.
 * @throws ApiError
 */
export async function toStorageVersion(
  cluster: LogicalCluster,
  served: ServedResource,
  object: AnyObject,
): Promise<AnyObject> {
  const [converted] = await convert(cluster, served, [object], served.storedApiVersion)
  return converted!
}

function convert(
  cluster: LogicalCluster,
  served: ServedResource,
  objects: readonly AnyObject[],
  apiVersion: string,
): Promise<AnyObject[]> {
  return convertByWebhook({
    client: cluster.webhooks,
    cluster: cluster.name,
    conversion: served.webhookConversion!,
    objects,
    apiVersion,
    uid: randomUuid(cluster.database.random),
  })
}
