import {
  applyConfiguration,
  ApplyConflictError,
  ApplyTypeError,
  applyJsonPatch,
  applyMergePatch,
  badRequest,
  clone,
  conflict,
  deepEqual,
  isObject,
  type Json,
  type KubeObject,
  notFound,
  PatchError,
  patchRejected,
  type Random,
  randomUuid,
  timestamp,
  trackUpdate,
} from '@locktender/kube'
import type { Target } from '../api-path.ts'
import type { WriteRules } from './schemas.ts'

/** What a write needs to know beside the object. */
export interface WriteSituation {
  readonly target: Target
  readonly rules: WriteRules
  readonly fieldManager: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly random: Random
  /** A version that no object has had. */
  nextVersion(): string
}

type AnyObject = KubeObject & { spec?: Json; status?: Json }

const STATUS = [['status']] as const
const NOT_STATUS = [['spec'], ['metadata']] as const

/** The letters of generated names: no vowels, so that no words come out. */
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

/**
 * The object that a creation stores.
 * @throws ApiError as an API server would refuse it
 */
export function created(sent: KubeObject, situation: WriteSituation): KubeObject {
  const { target, rules, now, random } = situation
  const metadata = { ...sent.metadata }
  if ((metadata.resourceVersion ?? '') !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created')
  }
  if ((metadata.name ?? '') === '') {
    let suffix = ''
    for (let count = 0; count < 5; count++) suffix += SUFFIX_LETTERS[Math.floor(random.next() * SUFFIX_LETTERS.length)]
    metadata.name = metadata.generateName! + suffix
  }
  const object: AnyObject = {
    ...clone(sent),
    metadata: {
      ...metadata,
      ...(target.namespace !== undefined && { namespace: target.namespace }),
      uid: randomUuid(random),
      resourceVersion: situation.nextVersion(),
      generation: 1,
      creationTimestamp: timestamp(now),
    },
  }
  if (rules.hasStatus) delete object.status
  return tracked(undefined, object, situation)
}

/**
 * The object after a replacement or a patch, given what the caller wants it to be; the live one when nothing changes.
 * @throws ApiError Conflict when `sent` is of another version or another object
 */
export function updated(live: KubeObject, sent: KubeObject, situation: WriteSituation): KubeObject {
  const { target, rules } = situation
  const { uid, resourceVersion } = sent.metadata
  const group = { group: target.group, resource: target.plural }
  if (uid !== undefined && uid !== '' && uid !== live.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid ?? ''}`
    throw conflict(group, live.metadata.name, why)
  }
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== live.metadata.resourceVersion) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again'
    throw conflict(group, live.metadata.name, why)
  }
  const wanted = rules.hasStatus ? withinEndpoint(live, sent, target.subresource) : clone(sent)
  return stored(live, tracked(live, { ...wanted, metadata: kept(live, wanted) }, situation), situation)
}

/**
 * What a merge or JSON patch makes of the live object, to be passed to {@link updated}.
 * @throws ApiError when the patch cannot be carried out
 */
export function patched(live: KubeObject, patch: Json, type: 'merge' | 'json'): KubeObject {
  const document = live as unknown as Json
  try {
    const result = type === 'merge' ? applyMergePatch(document, patch) : applyJsonPatch(document, patch)
    if (!isObject(result) || !isObject(result['metadata'])) throw patchRejected()
    return result as unknown as KubeObject
  } catch (error) {
    if (error instanceof PatchError) throw error.kind === 'failed' ? patchRejected() : badRequest(error.message)
    throw error
  }
}

/**
 * The object after a server-side apply; a new one when `live` is absent.
 * @throws ApiError Conflict when others own what would change and `force` is off
 */
export function applied(
  live: KubeObject | undefined,
  configuration: KubeObject,
  situation: WriteSituation & { readonly force: boolean },
): KubeObject {
  const { target, rules, fieldManager, now, random, force } = situation
  if (fieldManager === '') throw badRequest('fieldManager is required for apply patch')
  if (live === undefined && target.subresource !== undefined) {
    throw notFound({ group: target.group, resource: target.plural }, target.name ?? '')
  }
  try {
    const { object } = applyConfiguration({
      ...(live !== undefined && { live: canonical(live, rules) }),
      configuration,
      force,
      ...contextOf(situation),
      manager: fieldManager,
    })
    if (live !== undefined) {
      const wanted = rules.hasStatus ? withinEndpoint(live, object, target.subresource) : object
      return stored(live, { ...wanted, metadata: kept(live, wanted) }, situation)
    }
    const result: AnyObject = {
      ...object,
      metadata: {
        ...object.metadata,
        ...(target.namespace !== undefined && { namespace: target.namespace }),
        uid: randomUuid(random),
        resourceVersion: situation.nextVersion(),
        generation: 1,
        creationTimestamp: timestamp(now),
      },
    }
    if (rules.hasStatus) delete result.status
    return result
  } catch (error) {
    if (error instanceof ApplyConflictError || error instanceof ApplyTypeError) throw error.toApiError()
    throw error
  }
}

/** The object after a deletion; undefined when it is gone at once. */
export function deleted(live: KubeObject, situation: WriteSituation): KubeObject | undefined {
  if ((live.metadata.finalizers ?? []).length === 0) return undefined
  if (live.metadata.deletionTimestamp !== undefined) return live
  const metadata = { ...live.metadata, deletionTimestamp: timestamp(situation.now), deletionGracePeriodSeconds: 0 }
  return stored(live, { ...live, metadata }, situation)
}

/** What of `sent` the endpoint writes; the rest is as it was. */
function withinEndpoint(live: AnyObject, sent: AnyObject, subresource: string | undefined): AnyObject {
  if (subresource === undefined) {
    const { status: _, ...rest } = sent
    return { ...clone(rest), ...(live.status !== undefined && { status: live.status }) }
  }
  const { status: _, ...rest } = live
  return {
    ...rest,
    metadata: { ...live.metadata, ...pickManagedFields(sent) },
    ...(sent.status !== undefined && { status: clone(sent.status) }),
  }
}

function pickManagedFields({ metadata }: KubeObject) {
  return metadata.managedFields === undefined ? {} : { managedFields: metadata.managedFields }
}

/** Metadata as sent, but for what only a server writes. */
function kept(live: KubeObject, sent: KubeObject): KubeObject['metadata'] {
  const metadata = { ...sent.metadata, name: live.metadata.name }
  for (const field of [
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    const value = live.metadata[field]
    if (value === undefined) delete metadata[field]
    else Object.assign(metadata, { [field]: value })
  }
  return metadata
}

/** With a new version if anything changed, and a new generation if anything but metadata and status did. */
function stored(live: AnyObject, next: AnyObject, situation: WriteSituation): KubeObject {
  if (deepEqual(live, next)) return live
  const body = ({ metadata: _metadata, status: _status, ...rest }: AnyObject) => rest
  const { generation } = live.metadata
  return {
    ...next,
    metadata: {
      ...next.metadata,
      resourceVersion: situation.nextVersion(),
      ...(generation !== undefined && !deepEqual(body(live), body(next)) && { generation: generation + 1 }),
    },
  }
}

function contextOf({ target, rules, fieldManager, now }: WriteSituation) {
  return {
    schema: rules.schema,
    manager: fieldManager,
    now: timestamp(now),
    ...(target.subresource !== undefined && { subresource: target.subresource }),
    ...(rules.hasStatus && { resetFields: target.subresource === undefined ? STATUS : NOT_STATUS }),
  }
}

function tracked(live: KubeObject | undefined, next: KubeObject, situation: WriteSituation): KubeObject {
  const before = live === undefined ? undefined : canonical(live, situation.rules)
  return trackUpdate({ ...contextOf(situation), live: before, updated: next, operation: 'Update' })
}

const canonicalObjects = new WeakMap<KubeObject, KubeObject>()

/** The object with managed fields in the order in which this project keeps them; files hold them in another. */
function canonical(live: KubeObject, rules: WriteRules): KubeObject {
  if (live.metadata.managedFields === undefined) return live
  let result = canonicalObjects.get(live)
  if (result === undefined) {
    const { managedFields: _, ...metadata } = live.metadata
    result = trackUpdate({
      schema: rules.schema,
      manager: '',
      now: timestamp(0),
      live: { ...live, metadata },
      updated: live,
      operation: 'Update',
    })
    canonicalObjects.set(live, result)
    canonicalObjects.set(result, result)
  }
  return result
}
