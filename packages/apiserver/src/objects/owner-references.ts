import { deepEqual } from '@locktender/kube'
import type { OwnerReference } from '@locktender/kube'
import type { AnyObject } from './object.ts'

/**
 * Says each owner once. References to one uid that differ in anything else all stay, as in Kubernetes. What was left
 * out is told as a warning.
 */
export function withoutRepeatedOwners(object: AnyObject, warnings: string[], afterMutation = false): AnyObject {
  const owners = object.metadata.ownerReferences
  if (owners === undefined || owners.length < 2) return object
  const kept: OwnerReference[] = []
  const repeated: string[] = []
  for (const owner of owners) {
    if (kept.some((other) => other.uid === owner.uid && deepEqual(other, owner))) repeated.push(owner.uid)
    else kept.push(owner)
  }
  if (repeated.length === 0) return object
  const when = afterMutation ? ' after mutating admission happens' : ''
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may ` +
      `reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(', ')}`,
  )
  return { ...object, metadata: { ...object.metadata, ownerReferences: kept } }
}
