import {
  alreadyExists,
  fieldForbidden,
  fieldRequired,
  forbidden,
  isAlreadyExists,
  notFound,
  randomUuid,
  trackUpdate,
} from '@locktender/kube'
import type { FieldError, ObjectMeta, WriteContext as TrackingContext } from '@locktender/kube'
import { admit } from './admit.ts'
import { desiredStateChanged, isSame } from './changes.ts'
import type { Stored } from './database.ts'
import { randomSuffix } from './generate-name.ts'
import { isRecord } from './object.ts'
import type { AnyObject } from './object.ts'
import { validateMeta } from './object-meta.ts'
import { invalidObject } from './object-checks.ts'
import { newMeta, nextMeta } from './server-metadata.ts'
import { resetFieldsOf } from './reset-fields.ts'
import { groupResourceOf } from './served-resource.ts'
import { holdsStatus } from './subresources.ts'
import { View } from './view.ts'
import type { WriteContext } from './write-context.ts'

/** Tries of a name from generateName, as in apiserver's registry. */
const GENERATE_ATTEMPTS = 8

/**
 * Stores a new object. `object` is in the served version, pruned and defaulted; the call takes it over. Everything up
 * to the write happens synchronously, so no other writer can come in between.
 * @throws ApiError
 */
export async function createObject(context: WriteContext, object: AnyObject, tracked = false): Promise<View> {
  if (object.metadata.name !== undefined && object.metadata.name !== '') return createNamed(context, object, tracked)
  const prefix = object.metadata.generateName
  if (prefix === undefined || prefix === '') {
    throw invalidObject(context, object, [fieldRequired('metadata.name', 'name or generateName is required')])
  }
  for (let attempt = 1; ; attempt++) {
    const name = randomSuffix(prefix, context.cluster.database.random)
    try {
      return await createNamed(context, { ...object, metadata: { ...object.metadata, name } }, tracked)
    } catch (error) {
      if (!isAlreadyExists(error) || attempt === GENERATE_ATTEMPTS) throw error
    }
  }
}

function createNamed(context: WriteContext, incoming: AnyObject, tracked: boolean): Promise<View> {
  const { cluster, served, namespace, options } = context
  const { database } = cluster
  const now = database.now()
  const { status: _status, ...withoutStatus } = incoming
  let object = (served.status ? withoutStatus : incoming) as AnyObject
  object = {
    ...object,
    metadata: newMeta(object.metadata, namespace, now, randomUuid(database.random), served.generation),
  }
  object = served.strategy.prepareCreate?.(object, cluster.strategyContext(now, context.user)) ?? object
  if (!tracked) object = trackUpdate({ ...trackingOf(context, now), updated: object, operation: 'Update' })
  const key = database.key(cluster.name, served.storedAs, namespace, object.metadata.name)
  checkNamespace(context, object.metadata.name)
  validate(context, object, undefined)
  const admitted = admit(context, 'CREATE', object.metadata.name, object, undefined)
  if (admitted !== object) {
    object = admitted
    validate(context, object, undefined)
  }
  if (database.store.get(key) !== undefined) throw alreadyExists(groupResourceOf(served), object.metadata.name)
  if (options.dryRun) return Promise.resolve(View.ofObject(object))
  return store(context, key, 0, object)
}

/** Refuses new objects in a namespace that does not exist or is going away. */
function checkNamespace({ cluster, served, namespace }: WriteContext, name: string): void {
  if (namespace === undefined) return
  const found = cluster.namespace(namespace)
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace)
  if (found.metadata.deletionTimestamp === undefined) return
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  throw forbidden(groupResourceOf(served), name, why, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ])
}

/** What the tracking of field ownership needs to know about the endpoint. */
export function trackingOf(context: WriteContext, now: string): TrackingContext {
  const { cluster, served, subresource, options } = context
  const { group, plural } = served.resource
  return {
    schema: served.schema,
    manager: options.fieldManager,
    ...(subresource === undefined ? {} : { subresource }),
    now,
    resetFields: resetFieldsOf(served, subresource),
    isServed: (apiVersion) =>
      cluster.registry.find(group, apiVersion.slice(apiVersion.indexOf('/') + 1), plural) !== undefined,
  }
}

/**
 * Stores the next state of an object. `live` and `candidate` are in the served version; the candidate is pruned and
 * defaulted, and tracked if it comes from an apply. What the client may not change is taken from `live`.
 * @throws ApiError
 */
export function updateObject(
  context: WriteContext,
  stored: Stored,
  live: AnyObject,
  candidate: AnyObject,
  tracked = false,
): Promise<View> {
  const { cluster, served, options } = context
  const now = cluster.database.now()
  let object = compose(context, live, candidate, now)
  if (!tracked) object = trackUpdate({ ...trackingOf(context, now), live, updated: object, operation: 'Update' })
  validate(context, object, live)
  const admitted = admit(context, 'UPDATE', live.metadata.name, object, live)
  if (admitted !== object) {
    object = admitted
    validate(context, object, live)
  }
  if (served.generation && desiredStateChanged(served, object, live)) {
    object = { ...object, metadata: { ...object.metadata, generation: (live.metadata.generation ?? 0) + 1 } }
  }
  if (object.metadata.deletionTimestamp !== undefined && !isHeld(context, object)) {
    return removeObject(context, stored, object)
  }
  if (isSame(object, live)) return acknowledge(context, stored)
  if (options.dryRun) return Promise.resolve(View.ofObject(object))
  return store(context, stored.key, stored.revision, object)
}

/** The candidate with everything its endpoint does not write taken from the live object. */
function compose(context: WriteContext, live: AnyObject, candidate: AnyObject, now: string): AnyObject {
  const { cluster, served, namespace, subresource, user } = context
  if (subresource !== undefined && holdsStatus(subresource)) {
    const { managedFields, ...metadata } = live.metadata
    const owners = candidate.metadata.managedFields ?? managedFields
    const object = { ...live, metadata: owners === undefined ? metadata : { ...metadata, managedFields: owners } }
    const next = withStatus(object, candidate['status'])
    return served.strategy.prepareStatus?.(next, live, subresource, cluster.strategyContext(now, user)) ?? next
  }
  let object: AnyObject = { ...candidate, metadata: nextMeta(candidate.metadata, live.metadata, namespace) }
  if (served.status) object = withStatus(object, live['status'])
  return served.strategy.prepareUpdate?.(object, live, cluster.strategyContext(now, user)) ?? object
}

/** Stores other `spec.finalizers`; the object goes away when that was the last thing that held it. */
export function finalizeObject(
  context: WriteContext,
  stored: Stored,
  live: AnyObject,
  finalizers: unknown,
): Promise<View> {
  const spec = { ...(isRecord(live['spec']) ? live['spec'] : {}), finalizers: finalizers ?? [] }
  const object: AnyObject = { ...live, metadata: { ...live.metadata }, spec }
  if (object.metadata.deletionTimestamp !== undefined && !isHeld(context, object)) {
    return removeObject(context, stored, object)
  }
  if (isSame(object, live)) return acknowledge(context, stored)
  return context.options.dryRun
    ? Promise.resolve(View.ofObject(object))
    : store(context, stored.key, stored.revision, object)
}

/** Deletes the object for good; answers with its last state. */
export async function removeObject(context: WriteContext, stored: Stored, last: AnyObject): Promise<View> {
  if (!context.options.dryRun) await context.cluster.database.remove(stored.key, stored.revision)
  return View.ofObject(last)
}

/** Whether finalizers, or something particular to the kind, keep a deleted object in place. */
export function isHeld({ served }: WriteContext, object: AnyObject): boolean {
  return (object.metadata.finalizers?.length ?? 0) > 0 || served.strategy.holdsDeletion?.(object) === true
}

/** Answers with what is stored, once everything written before is durable. */
async function acknowledge(context: WriteContext, stored: Stored): Promise<View> {
  const { database } = context.cluster
  await database.store.settled()
  return View.ofStored(database, context.served, stored)
}

/** Writes the object in its stored form. */
export async function store(context: WriteContext, key: string, expected: number, object: AnyObject): Promise<View> {
  const { cluster, served } = context
  const { database } = cluster
  let form = served.conversion === undefined ? object : served.conversion.toStored(object)
  if (form.apiVersion !== served.storedApiVersion) form = { ...form, apiVersion: served.storedApiVersion }
  const stored = await database.write(key, expected, form)
  return View.ofStored(database, served, stored)
}

function withStatus(object: AnyObject, status: unknown): AnyObject {
  if (status !== undefined) return { ...object, status }
  if (!('status' in object)) return object
  const { status: _dropped, ...rest } = object
  return rest as AnyObject
}

function validate(context: WriteContext, object: AnyObject, live: AnyObject | undefined): void {
  const { served, subresource } = context
  served.strategy.authorize?.(context, object, live)
  const errors: FieldError[] = []
  // Metadata of a status write is the live one, and unchanged metadata was valid when it was stored.
  if (!holdsStatus(subresource)) {
    errors.push(...validateMeta(object.metadata, served.names))
    if (live?.metadata.deletionTimestamp !== undefined) errors.push(...newFinalizers(object.metadata, live.metadata))
  }
  if (served.compiled !== undefined) errors.push(...served.compiled.validate(object, live))
  if (served.strategy.validate !== undefined) errors.push(...served.strategy.validate(object, live))
  if (errors.length > 0) throw invalidObject(context, object, errors)
}

function newFinalizers(meta: ObjectMeta, live: ObjectMeta): FieldError[] {
  const added = (meta.finalizers ?? []).filter((finalizer) => !(live.finalizers ?? []).includes(finalizer))
  if (added.length === 0) return []
  const list = JSON.stringify(added)
  return [
    fieldForbidden(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list.slice(1, -1)}}`,
    ),
  ]
}
