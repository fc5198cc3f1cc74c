import { deepEqual } from '@locktender/kube'
import type { ManagedFieldsEntry } from '@locktender/kube'
import type { AnyObject } from './object.ts'
import type { ServedResource } from '../served-resource.ts'

const NOT_DESIRED_STATE = new Set(['apiVersion', 'kind', 'metadata'])

/** Whether a write changes what `metadata.generation` counts: anything but metadata, and status where it has its own endpoint. */
export function desiredStateChanged(served: ServedResource, object: AnyObject, live: AnyObject): boolean {
  // The annotations of a deployment go on to what it makes.
  const { kind, group } = served.resource
  const passesOn = kind === 'Deployment' && group === 'apps'
  if (passesOn && !deepEqual(object.metadata.annotations ?? {}, live.metadata.annotations ?? {})) return true
  for (const field of new Set([...Object.keys(object), ...Object.keys(live)])) {
    if (NOT_DESIRED_STATE.has(field) || (served.status && field === 'status')) continue
    if (!deepEqual(object[field], live[field])) return true
  }
  return false
}

/** Equal but for the times of managers: such a write changes nothing and leaves no trace. */
export function isSame(object: AnyObject, live: AnyObject): boolean {
  if (object === live) return true
  const { managedFields: managers = [], resourceVersion: _version, ...meta } = object.metadata
  const { managedFields: liveManagers = [], resourceVersion: _liveVersion, ...liveMeta } = live.metadata
  if (managers.length !== liveManagers.length || !deepEqual(meta, liveMeta)) return false
  for (const field of new Set([...Object.keys(object), ...Object.keys(live)])) {
    if (field !== 'metadata' && !deepEqual(object[field], live[field])) return false
  }
  return managers.every((entry, index) => sameManager(entry, liveManagers[index]!))
}

function sameManager(left: ManagedFieldsEntry, right: ManagedFieldsEntry): boolean {
  const { time: _left, ...leftRest } = left
  const { time: _right, ...rightRest } = right
  return deepEqual(leftRest, rightRest)
}
