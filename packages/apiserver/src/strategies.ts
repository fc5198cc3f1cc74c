import { fieldInvalid } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import type { AnyObject } from './object.ts'
import { isRecord } from './object.ts'
import type { Strategy } from './served-resource.ts'

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

function foldStringData(object: AnyObject): AnyObject {
  const { stringData, ...rest } = object
  const folded = rest as AnyObject
  if (!isRecord(stringData)) return folded
  const data: Record<string, unknown> = isRecord(object['data']) ? { ...object['data'] } : {}
  for (const [key, value] of Object.entries(stringData)) data[key] = Buffer.from(String(value)).toString('base64')
  return { ...folded, data }
}

/** Secrets take plain text on writes and have a type that stays. */
export const secretStrategy: Strategy = {
  prepareCreate: (object) => ({ ...foldStringData(object), type: object['type'] ?? 'Opaque' }),
  prepareUpdate: (object, live) => ({ ...foldStringData(object), type: object['type'] ?? live['type'] }),
  validate: (object, live) =>
    live === undefined || object['type'] === live['type']
      ? []
      : [fieldInvalid('type', object['type'] as Json, 'field is immutable')],
}
