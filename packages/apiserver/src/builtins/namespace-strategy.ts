import type { AnyObject } from '../object.ts'
import { isRecord } from '../object.ts'
import type { Strategy } from '../served-resource.ts'

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name'
/** What the namespace controller removes when a namespace has been emptied. */
const NAMESPACE_FINALIZER = 'kubernetes'

function namespaceFinalizers(object: AnyObject): readonly string[] {
  const spec = object['spec']
  return isRecord(spec) && Array.isArray(spec['finalizers']) ? (spec['finalizers'] as string[]) : []
}

function labelled(object: AnyObject): AnyObject {
  const { metadata } = object
  if (metadata.labels?.[NAMESPACE_LABEL] === metadata.name) return object
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, [NAMESPACE_LABEL]: metadata.name } } }
}

/** Namespaces start active, carry their name as a label, and stay until emptied. */
export const namespaceStrategy: Strategy = {
  prepareCreate: (object) => ({
    ...labelled(object),
    spec: { finalizers: [NAMESPACE_FINALIZER] },
    status: { phase: 'Active' },
  }),
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
