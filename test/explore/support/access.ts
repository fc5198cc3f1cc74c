import {
  type Client,
  type DeleteOptions,
  isAlreadyExists,
  isNotFound,
  type KubeObject,
  type Resource,
} from '@locktender/kube'
import type { ObjectEvent, ReconcileResult, Watch, Write } from '@locktender/runtime'
import { MAIN, NAMESPACE } from './kinds.ts'

/**
 * Who acts on what the server says now cannot count on hearing of the next change: a cache may never show what came and
 * went while it was behind. So it looks again.
 */
export const AGAIN: ReconcileResult = { requeueAfterMs: 1000 }

/** A read of everything of `resource`; without `keys`, each object is the key of its own changes. */
export function read(resource: Resource, keys: Watch['keys'] = ({ key }) => [key]): Watch {
  return { cluster: MAIN, resource, keys }
}

export function write(resource: Resource, subresource?: string): Write {
  return { cluster: MAIN, resource, ...(subresource !== undefined && { subresource }) }
}

/** The key of the owner of what changed. */
export function ownerKey(event: ObjectEvent): readonly string[] {
  return (event.object().metadata.ownerReferences ?? []).map(({ name }) => `${NAMESPACE}/${name}`)
}

/** The key that the label `app` of what changed stands for. */
export function appKey(event: ObjectEvent): readonly string[] {
  const app = event.object().metadata.labels?.['app']
  return app === undefined ? [] : [`${NAMESPACE}/${app}`]
}

export function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}

/** The object as the server has it now; undefined when there is none. */
export async function current<T extends KubeObject>(
  client: Client,
  resource: Resource,
  name: string,
): Promise<T | undefined> {
  try {
    return await client.get<T>(resource, name, NAMESPACE)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Creates `object` unless one of its name is there. */
export async function ensure(client: Client, resource: Resource, object: KubeObject): Promise<void> {
  try {
    await client.create(resource, object)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

/** Deletes the object if it is there. */
export async function remove(client: Client, resource: Resource, name: string, options: DeleteOptions = {}) {
  try {
    await client.delete(resource, { name, namespace: NAMESPACE }, options)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** Takes `finalizer` off the object as it was read; a conflict when it has changed since. */
export async function release(client: Client, resource: Resource, object: KubeObject, finalizer: string) {
  const held = object.metadata.finalizers ?? []
  if (!held.includes(finalizer)) return
  const finalizers = held.filter((one) => one !== finalizer)
  const { name, resourceVersion } = object.metadata
  try {
    await client.patch(
      resource,
      { name, namespace: NAMESPACE },
      { metadata: { finalizers, resourceVersion } },
      { type: 'merge' },
    )
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** Adds `finalizer` to the object as it was read; a conflict when it has changed since. */
export async function hold(client: Client, resource: Resource, object: KubeObject, finalizer: string) {
  const held = object.metadata.finalizers ?? []
  if (held.includes(finalizer)) return
  const { resourceVersion } = object.metadata
  const patch = { metadata: { finalizers: [...held, finalizer], resourceVersion } }
  await client.patch(resource, object.metadata, patch, { type: 'merge' })
}
