import type { KubeObject } from '@locktender/kube'

/** Where an object is; the parts of its key in the store. */
export interface ObjectRef {
  readonly cluster: string
  readonly group: string
  readonly plural: string
  /** Empty for cluster-scoped objects. */
  readonly namespace: string
  readonly name: string
}

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan'

/** How controllers write: through the same steps as any client, with the rights of the server itself. */
export interface ObjectWriter {
  /** Makes an object. Throws ApiError: AlreadyExists, or Forbidden in a namespace that is going away. */
  create(ref: ObjectRef, object: KubeObject): Promise<void>
  /** Deletes an object; finalizers hold it as for anybody. Throws ApiError: Conflict when it has another uid. */
  delete(
    ref: ObjectRef,
    options: { readonly uid: string; readonly propagationPolicy: PropagationPolicy },
  ): Promise<void>
  /**
   * Replaces the newest state of an object by what `change` makes of it, or leaves it when that is undefined. `change`
   * must not modify its argument, and is not called when the object is gone: then this throws ApiError NotFound.
   */
  update(
    ref: ObjectRef,
    change: (object: KubeObject) => KubeObject | undefined,
    subresource?: 'status' | 'finalize',
  ): Promise<void>
}

/** The place a key of the store speaks of; undefined for keys that are not objects. */
export function parseKey(key: string): ObjectRef | undefined {
  const parts = key.split('/')
  if (parts.length !== 6 || parts[0] !== '') return undefined
  return { cluster: parts[1]!, group: parts[2]!, plural: parts[3]!, namespace: parts[4]!, name: parts[5]! }
}
