import { fieldInvalid, labelKeyProblems } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import { isRecord } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name'
/** What the namespace controller removes when a namespace has been emptied. */
const NAMESPACE_FINALIZER = 'kubernetes'
const STANDARD_FINALIZERS = new Set([NAMESPACE_FINALIZER, 'orphan', 'foregroundDeletion'])

function namespaceFinalizers(object: AnyObject): readonly string[] {
  const spec = object['spec']
  return isRecord(spec) && Array.isArray(spec['finalizers']) ? (spec['finalizers'] as string[]) : []
}

function labelled(object: AnyObject): AnyObject {
  const { metadata } = object
  if (metadata.labels?.[NAMESPACE_LABEL] === metadata.name) return object
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, [NAMESPACE_LABEL]: metadata.name } } }
}

/** What is wrong with the names in `spec.finalizers`, in the words of Kubernetes. */
function finalizerErrors(finalizers: readonly unknown[], isNew: boolean): FieldError[] {
  return finalizers.flatMap((finalizer, index) => {
    const field = isNew ? 'spec.finalizers' : `spec.finalizers[${index}]`
    if (typeof finalizer !== 'string') return [fieldInvalid(field, finalizer as Json, 'must be a string')]
    const problems = labelKeyProblems(finalizer)
    if (problems.length > 0) return problems.map((why) => fieldInvalid(field, finalizer, why))
    if (STANDARD_FINALIZERS.has(finalizer) || finalizer.includes('/')) return []
    return [fieldInvalid(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')]
  })
}

/** Namespaces start active, carry their name as a label, and stay until emptied. */
export const namespaceStrategy: Strategy = {
  prepareCreate: (object) => ({
    ...labelled(object),
    spec: { finalizers: [...new Set([...namespaceFinalizers(object), NAMESPACE_FINALIZER])] },
    status: { phase: 'Active' },
  }),
  validate: (object, live) => finalizerErrors(namespaceFinalizers(object), live === undefined),
  validateStatus(object) {
    const deleted = object.metadata.deletionTimestamp !== undefined
    const phase = isRecord(object['status']) ? object['status']['phase'] : undefined
    const expected = deleted ? 'Terminating' : 'Active'
    if (phase === expected || (deleted && phase === undefined)) return []
    const why = `may only be '${expected}' if \`deletionTimestamp\` is ${deleted ? 'not ' : ''}empty`
    return [fieldInvalid('status.Phase', (phase ?? '') as Json, why)]
  },
  // Finalizers of a namespace change only through its finalize subresource.
  prepareUpdate: (object, live) => ({
    ...labelled(object),
    ...(live['spec'] === undefined ? {} : { spec: live['spec'] }),
  }),
  holdsDeletion: (object) => namespaceFinalizers(object).length > 0,
  beginDeletion: (object) => ({
    ...object,
    status: { ...(isRecord(object['status']) ? object['status'] : {}), phase: 'Terminating' },
  }),
}
