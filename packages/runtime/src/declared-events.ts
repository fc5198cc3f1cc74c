import type { Resource } from '@locktender/kube'
import type { Controller } from './controller.ts'
import { UndeclaredAccessError } from './errors.ts'
import type { EventSubject } from './events.ts'

/**
 * Where events about `subject` go, by what the controller declares.
 * @throws UndeclaredAccessError when it declares nothing that fits
 */
export function declaredEvents(
  controller: Controller,
  cluster: string,
  subject: EventSubject,
): { readonly resource: Resource; readonly namespace: string } {
  const namespace = subject.metadata.namespace ?? 'default'
  const write = controller.writes.find(
    (candidate) =>
      candidate.cluster === cluster &&
      candidate.resource.plural === 'events' &&
      (candidate.namespace ?? namespace) === namespace,
  )
  if (write !== undefined) return { resource: write.resource, namespace }
  const declaration = `writes: { cluster: '${cluster}', resource: 'events.events.k8s.io', namespace: '${namespace}' }`
  throw new UndeclaredAccessError(controller.name, `tells events in ${namespace} of ${cluster}`, declaration)
}

/** `subject` as its events name it. */
export function eventReference({ apiVersion, kind, metadata }: EventSubject): object {
  const { name, namespace, uid, resourceVersion } = metadata
  return {
    ...(apiVersion !== '' && { apiVersion }),
    kind,
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  }
}
