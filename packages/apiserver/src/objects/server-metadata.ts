import type { ObjectMeta } from '@locktender/kube'

/** System fields are the server's; whatever the client sent for them is dropped. */
export function newMeta(
  meta: ObjectMeta,
  namespace: string | undefined,
  now: string,
  uid: string,
  generation: boolean,
): ObjectMeta {
  const { generateName } = meta
  return {
    name: meta.name,
    ...(generateName === undefined ? {} : { generateName }),
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    // Reserves the place, so that readers find the version near the start of the text.
    resourceVersion: '',
    ...(generation ? { generation: 1 } : meta.generation ? { generation: meta.generation } : {}),
    creationTimestamp: now,
    ...givenParts(meta),
  }
}

/** The client's labels, annotations, finalizers and owners with the server's everything else. */
export function nextMeta(meta: ObjectMeta, live: ObjectMeta, namespace: string | undefined): ObjectMeta {
  const { generateName } = meta
  return {
    name: live.name,
    ...(generateName === undefined || generateName === '' ? {} : { generateName }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(live.uid === undefined ? {} : { uid: live.uid }),
    resourceVersion: live.resourceVersion ?? '',
    ...(live.generation === undefined ? {} : { generation: live.generation }),
    ...(live.creationTimestamp === undefined ? {} : { creationTimestamp: live.creationTimestamp }),
    ...(live.deletionTimestamp === undefined ? {} : { deletionTimestamp: live.deletionTimestamp }),
    ...(live.deletionGracePeriodSeconds === undefined
      ? {}
      : { deletionGracePeriodSeconds: live.deletionGracePeriodSeconds }),
    ...givenParts(meta),
  }
}

/** What clients say of an object besides its name. Lists and maps that have nothing in them are left out. */
function givenParts(meta: ObjectMeta): Partial<ObjectMeta> {
  const { labels, annotations, finalizers, ownerReferences, managedFields } = meta
  return {
    ...(isEmpty(labels) ? {} : { labels }),
    ...(isEmpty(annotations) ? {} : { annotations }),
    ...(isEmpty(ownerReferences) ? {} : { ownerReferences }),
    ...(isEmpty(finalizers) ? {} : { finalizers }),
    ...(managedFields === undefined ? {} : { managedFields }),
  }
}

function isEmpty<T extends object>(part: T | undefined): part is undefined {
  if (part === undefined) return true
  for (const _key in part) return false
  return true
}
