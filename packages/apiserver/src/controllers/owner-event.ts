import { isAlreadyExists, isForbidden, isNotFound } from '@locktender/kube'
import type { KubeObject, OwnerReference } from '@locktender/kube'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'

/** An object with an owner reference. */
interface Dependent {
  readonly ref: ObjectRef
  readonly uid: string
  readonly apiVersion: string
  readonly kind: string
}

/** Characters of a uid that tell the Events of different objects of one name apart. */
const UID_CHARACTERS = 16

/**
 * Says with an Event that an object names an owner that is not in its own namespace, in the words of
 * kube-controller-manager's garbage collector. Once for each owner: a second time changes nothing.
 */
export async function reportForeignOwner(
  writer: ObjectWriter,
  { ref, uid, apiVersion, kind }: Dependent,
  owner: OwnerReference,
): Promise<void> {
  // Events about cluster-scoped objects are in `default`.
  const namespace = ref.namespace === '' ? 'default' : ref.namespace
  const unique = (text: string): string => text.replaceAll('-', '').slice(0, UID_CHARACTERS)
  const name = `${ref.name}.${unique(uid)}.${unique(owner.uid)}`
  const identity = `[${owner.apiVersion}/${owner.kind}, namespace: ${ref.namespace}, name: ${owner.name}, uid: ${owner.uid}]`
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion,
      kind,
      name: ref.name,
      uid,
      ...(ref.namespace === '' ? {} : { namespace: ref.namespace }),
    },
    type: 'Warning',
    reason: 'OwnerRefInvalidNamespace',
    message: `ownerRef ${identity} does not exist in namespace "${ref.namespace}"`,
    source: { component: 'garbage-collector-controller' },
    count: 1,
  }
  try {
    await writer.create({ cluster: ref.cluster, group: '', plural: 'events', namespace, name }, event as KubeObject)
  } catch (error) {
    // Said before, or in a namespace that is going away: the event is worth no second try.
    if (!isAlreadyExists(error) && !isForbidden(error) && !isNotFound(error)) throw error
  }
}
