import {
  alreadyExists,
  ApiError,
  fieldInvalid,
  forbidden,
  isAlreadyExists,
  notFound,
  randomUuid,
  trackUpdate,
} from '@locktender/kube'
import type { FieldError, ObjectMeta, WriteContext as TrackingContext } from '@locktender/kube'
import type { AdmissionAttributes } from '../admission/attributes.ts'
import { mutate, review } from '../admission/chain.ts'
import { admit } from '../admission/admit.ts'
import { desiredStateChanged, isSame } from '../objects/changes.ts'
import { toStorageVersion } from '../crd/prepare-conversions.ts'
import type { Stored } from '../database.ts'
import { randomSuffix } from '../objects/generate-name.ts'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { validateMeta, validateNextMeta } from '../objects/object-meta.ts'
import { invalidObject } from '../objects/object-checks.ts'
import { withoutRepeatedOwners } from '../objects/owner-references.ts'
import { newMeta, nextMeta } from '../objects/server-metadata.ts'
import { resetFieldsOf } from '../objects/reset-fields.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { PartStrategy, ServedResource } from '../served-resource.ts'
import { RevisionMismatch } from '../store/store-types.ts'
import { holdsStatus } from '../subresources.ts'
import { View } from '../present/view.ts'
import type { WriteContext } from './write-context.ts'

/** Tries of a name from generateName, as in apiserver's registry. */
const GENERATE_ATTEMPTS = 8

/** Who writes what a kube-apiserver itself writes. */
const SERVER = 'kube-apiserver'

/**
 * Stores a new object. `object` is in the served version, pruned and defaulted; the call takes it over. Unless an
 * admission webhook has to be asked, everything up to the write happens synchronously, so no other writer can come in
 * between.
 * @throws ApiError
 */
export async function createObject(context: WriteContext, object: AnyObject, tracked = false): Promise<View> {
  if (object.metadata.name !== undefined && object.metadata.name !== '') {
    return createNamed(context, object, tracked, false)
  }
  const prefix = object.metadata.generateName
  if (prefix === undefined || prefix === '') {
    // Refused with everything else that is wrong, unless a webhook gives a name.
    return createNamed(context, { ...object, metadata: { ...object.metadata, name: '' } }, tracked, true)
  }
  for (let attempt = 1; ; attempt++) {
    const name = randomSuffix(prefix, context.cluster.database.random)
    try {
      return await createNamed(context, { ...object, metadata: { ...object.metadata, name } }, tracked, true)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      if (attempt === GENERATE_ATTEMPTS) throw noUniqueName(context, name)
    }
  }
}

function noUniqueName({ served }: WriteContext, name: string): ApiError {
  const { status } = alreadyExists(groupResourceOf(served), name)
  return new ApiError({
    ...status,
    message: `${status.message}, the server was not able to generate a unique name for the object`,
    details: { ...status.details, retryAfterSeconds: 1 },
  })
}

async function createNamed(
  context: WriteContext,
  incoming: AnyObject,
  tracked: boolean,
  generated: boolean,
): Promise<View> {
  const { cluster, served, namespace, options } = context
  const { database } = cluster
  const now = database.now()
  const uid = randomUuid(database.random)
  let sent = withServerMeta(context, incoming, now, uid)
  if (!tracked) {
    sent = withoutRepeatedOwners(sent, context.warnings)
    // What the server adds for the kind, such as the address of a service, is nobody's.
    sent = trackUpdate({ ...trackingOf(context, now), updated: sent, operation: 'Update' })
  }
  let object = prepareNew(context, sent, now)
  checkNamespace(context, object.metadata.name)
  const name = generated ? '' : object.metadata.name
  const attributes: AdmissionAttributes = { context, operation: 'CREATE', name, object, oldObject: undefined }
  const mutating = mutate(attributes)
  const mutated = mutating instanceof Promise ? await mutating : mutating
  if (mutated !== undefined && mutated !== object) {
    const metadata = { ...mutated.metadata, name: mutated.metadata.name || object.metadata.name }
    const refined = withServerMeta(context, refine(context, { ...mutated, metadata }), now, uid)
    object = withOwners(prepareNew(context, refined, now), object.metadata)
  }
  object = checked({ ...attributes, name: object.metadata.name }, object)
  if (served.strategy.verify !== undefined) {
    const errors = await served.strategy.verify(object, context)
    if (errors.length > 0) throw invalidObject(context, object, errors)
  }
  const reviewing = review({ ...attributes, name: object.metadata.name, object })
  if (reviewing !== undefined) await reviewing
  if (mutating instanceof Promise || reviewing !== undefined) checkNamespace(context, object.metadata.name)
  const key = database.key(cluster.name, served.storedAs, namespace, object.metadata.name)
  const existing = database.read(key)
  if (existing !== undefined) throw taken(context, existing)
  object = served.compiled?.toStored?.(object) ?? object
  if (options.dryRun) {
    const { resourceVersion: _none, ...metadata } = object.metadata
    return View.ofObject({ ...object, metadata })
  }
  return store(context, key, 0, object)
}

/** The object with what its kind adds. */
function prepareNew(context: WriteContext, object: AnyObject, now: string): AnyObject {
  const { cluster, served, user } = context
  const prepared = served.strategy.prepareCreate?.(object, cluster.strategyContext(now, user)) ?? object
  return withServerStatus(context, object['status'] ?? served.blank?.['status'], prepared, now)
}

/** The object with the server among its managers, where it has just written parts of the status that was `before`. */
function withServerStatus(context: WriteContext, before: unknown, object: AnyObject, now: string): AnyObject {
  const { serverStatus } = context.served.strategy
  const { status } = object
  if (serverStatus === undefined || !isRecord(status) || status === before) return object
  const was = { ...status }
  for (const field of serverStatus) was[field] = isRecord(before) ? before[field] : undefined
  const tracking = trackingOf({ ...context, subresource: 'status' }, now)
  const live = { ...object, status: was }
  return trackUpdate({ ...tracking, manager: SERVER, live, updated: object, operation: 'Update' })
}

/** What was sent, with the server's metadata and without what its endpoint does not write. */
function withServerMeta({ served, namespace }: WriteContext, sent: AnyObject, now: string, uid: string): AnyObject {
  const { status: _status, ...withoutStatus } = sent
  const object = (served.status && served.statusAtOnce !== true ? withoutStatus : sent) as AnyObject
  return { ...object, metadata: newMeta(object.metadata, namespace, now, uid, served.generation) }
}

/** What a webhook returns may hold unknown fields and lack defaults, like anything that comes from outside. */
function refine({ served }: WriteContext, object: AnyObject): AnyObject {
  const { compiled } = served
  return compiled === undefined ? object : compiled.applyDefaults(compiled.prune(object).value)
}

/** What webhooks change stays with the manager that asked for the write. */
function withOwners(object: AnyObject, { managedFields }: ObjectMeta): AnyObject {
  return managedFields === undefined ? object : { ...object, metadata: { ...object.metadata, managedFields } }
}

/** What validation and the server's own plugins leave of an object that webhooks have seen. */
function checked(attributes: AdmissionAttributes, mutated: AnyObject, claims: readonly FieldError[] = []): AnyObject {
  const { context, oldObject } = attributes
  const object = withoutRepeatedOwners(mutated, context.warnings, true)
  validate(context, object, oldObject, claims)
  const admitted = admit({ ...attributes, object }) ?? object
  if (admitted !== object) validate(context, admitted, oldObject, claims)
  context.warnings.push(...(context.served.strategy.warn?.(admitted, oldObject) ?? []))
  return admitted
}

function taken({ served }: WriteContext, existing: AnyObject): ApiError {
  const { status } = alreadyExists(groupResourceOf(served), existing.metadata.name)
  if (existing.metadata.deletionTimestamp === undefined) return new ApiError(status)
  return new ApiError({ ...status, message: `object is being deleted: ${status.message}` })
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
    blank: served.blank,
    isServed: (apiVersion) =>
      cluster.registry.find(group, apiVersion.slice(apiVersion.indexOf('/') + 1), plural) !== undefined,
  }
}

/**
 * Stores the next state of an object. `live` and `candidate` are in the served version; the candidate is pruned and
 * defaulted, and tracked if it comes from an apply. What the client may not change is taken from `live`. `patched`
 * says that the candidate is made from `live` by a patch.
 * @throws ApiError, or RevisionMismatch when another write came in while admission webhooks were asked
 */
export async function updateObject(
  context: WriteContext,
  stored: Stored,
  live: AnyObject,
  candidate: AnyObject,
  { tracked = false, patched = false }: { readonly tracked?: boolean; readonly patched?: boolean } = {},
): Promise<View> {
  const { cluster, served } = context
  const now = cluster.database.now()
  const claims = lifecycleClaims(context, candidate.metadata, live.metadata)
  let object = compose(context, live, candidate)
  if (!tracked) {
    if (!patched) object = withoutRepeatedOwners(object, context.warnings)
    object = trackUpdate({ ...trackingOf(context, now), live, updated: object, operation: 'Update' })
  }
  object = prepareNext(context, live, object, now)
  const { name } = live.metadata
  const attributes: AdmissionAttributes = { context, operation: 'UPDATE', name, object, oldObject: live }
  const mutating = mutate(attributes)
  const mutated = mutating instanceof Promise ? await mutating : mutating
  if (mutated !== undefined && mutated !== object) {
    const next = prepareNext(context, live, compose(context, live, refine(context, mutated)), now)
    object = withOwners(next, object.metadata)
  }
  object = checked(attributes, object, claims)
  object = served.compiled?.toStored?.(object) ?? object
  if (served.generation && !holdsStatus(context.subresource) && desiredStateChanged(served, object, live)) {
    object = { ...object, metadata: { ...object.metadata, generation: (live.metadata.generation ?? 0) + 1 } }
  }
  const reviewing = review({ ...attributes, object })
  if (reviewing !== undefined) await reviewing
  if (mutating instanceof Promise || reviewing !== undefined) checkUnraced(context, stored)
  return conclude(context, stored, live, object)
}

/** Stores the next state of an object, unless nothing is new in it or it was the last of an object that is deleted. */
async function conclude(context: WriteContext, stored: Stored, live: AnyObject, object: AnyObject): Promise<View> {
  if (object.metadata.deletionTimestamp !== undefined && !isHeld(context, object)) {
    return removeObject(context, stored, object)
  }
  if (isSame(object, live) && isStoredAsNow(context, stored)) return acknowledge(context, stored)
  return context.options.dryRun ? View.ofObject(object) : store(context, stored.key, stored.revision, object)
}

/**
 * Makes sure that what was read before admission webhooks were asked is still what is stored.
 * @throws RevisionMismatch
 */
export function checkUnraced({ cluster }: WriteContext, stored: Stored): void {
  const actual = cluster.database.store.get(stored.key)?.revision ?? 0
  if (actual !== stored.revision) throw new RevisionMismatch(stored.key, stored.revision, actual)
}

/** What nobody, or only a deletion, may change, if the client does. A subresource takes it from the live object. */
function lifecycleClaims({ subresource }: WriteContext, meta: ObjectMeta, live: ObjectMeta): FieldError[] {
  if (subresource !== undefined) return []
  const { uid = '' } = meta
  const claims = uid === '' || uid === live.uid ? [] : [fieldInvalid('metadata.uid', uid, 'field is immutable')]
  const lifecycle = (['deletionTimestamp', 'deletionGracePeriodSeconds'] as const).flatMap((field) => {
    const claimed = meta[field] ?? undefined
    if (claimed === undefined || claimed === live[field] || live.deletionTimestamp !== undefined) return []
    return [fieldInvalid(`metadata.${field}`, claimed, 'field is immutable')]
  })
  return [...claims, ...lifecycle]
}

function partOf({ served, subresource }: WriteContext): PartStrategy | undefined {
  return subresource === undefined ? undefined : served.strategy.parts?.[subresource]
}

/** The candidate with everything its endpoint does not write taken from the live object. */
function compose(context: WriteContext, live: AnyObject, candidate: AnyObject): AnyObject {
  const { served, namespace, subresource } = context
  if (subresource !== undefined && holdsStatus(subresource)) {
    const object = { ...live, metadata: metaWithStatus(served, candidate.metadata, live.metadata, namespace) }
    return withStatus(object, candidate['status'])
  }
  const part = partOf(context)
  if (part !== undefined)
    return { ...part.take(candidate, live), metadata: ownedMeta(candidate.metadata, live.metadata) }
  let object: AnyObject = { ...candidate, metadata: nextMeta(candidate.metadata, live.metadata, namespace) }
  if (served.status) object = withStatus(object, live['status'])
  return object
}

/** What the kind makes of the next state; it is nobody's, so ownership is settled before. */
function prepareNext(context: WriteContext, live: AnyObject, object: AnyObject, now: string): AnyObject {
  const { cluster, served, subresource, user } = context
  const { strategy } = served
  if (subresource !== undefined && holdsStatus(subresource)) {
    return strategy.prepareStatus?.(object, live, subresource, cluster.strategyContext(now, user)) ?? object
  }
  if (partOf(context) !== undefined) return object
  const next = strategy.prepareUpdate?.(object, live, cluster.strategyContext(now, user)) ?? object
  return withServerStatus(context, live['status'], next, now)
}

/** Built-in kinds take most metadata along with the status, defined ones nothing but who owns what. */
function metaWithStatus(
  { custom, resource }: ServedResource,
  sent: ObjectMeta,
  live: ObjectMeta,
  namespace: string | undefined,
): ObjectMeta {
  if (!custom) {
    const { labels, ...next } = nextMeta(sent, live, namespace)
    const kept = resource.kind === 'Deployment' ? live.labels : labels
    return kept === undefined ? next : { ...next, labels: kept }
  }
  return ownedMeta(sent, live)
}

/** The metadata of the live object with the owners of the other's fields. */
function ownedMeta(sent: ObjectMeta, live: ObjectMeta): ObjectMeta {
  const { managedFields, ...metadata } = live
  const owners = sent.managedFields ?? managedFields
  return owners === undefined ? metadata : { ...metadata, managedFields: owners }
}

/** Stores other `spec.finalizers`; the object goes away when that was the last thing that held it. */
export async function finalizeObject(
  context: WriteContext,
  stored: Stored,
  live: AnyObject,
  finalizers: unknown,
): Promise<View> {
  const spec = { ...(isRecord(live['spec']) ? live['spec'] : {}), finalizers: finalizers ?? [] }
  const object: AnyObject = { ...live, metadata: { ...live.metadata }, spec }
  const errors = context.served.strategy.validate?.(object, live) ?? []
  if (errors.length > 0) throw invalidObject(context, object, errors)
  const { name } = live.metadata
  const reviewing = review({ context, operation: 'UPDATE', name, object, oldObject: live })
  if (reviewing !== undefined) {
    await reviewing
    checkUnraced(context, stored)
  }
  return conclude(context, stored, live, object)
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

/** Whether an object is stored in the present version: writing it again unchanged is how objects are brought up to it. */
function isStoredAsNow({ cluster, served }: WriteContext, stored: Stored): boolean {
  return cluster.database.parse(stored).apiVersion === served.storedApiVersion
}

/** Answers with what is stored, once everything written before is durable. */
export async function acknowledge({ cluster, served }: WriteContext, stored: Stored): Promise<View> {
  await cluster.database.store.settled()
  return cluster.view(served, stored)
}

/** Writes the object in its stored form. */
export async function store(context: WriteContext, key: string, expected: number, object: AnyObject): Promise<View> {
  const { cluster, served } = context
  const { database } = cluster
  if (served.webhookConversion !== undefined && object.apiVersion !== served.storedApiVersion) {
    return storeConverted(context, key, expected, object)
  }
  let form = served.conversion === undefined ? object : served.conversion.toStored(object)
  if (form.apiVersion !== served.storedApiVersion) form = { ...form, apiVersion: served.storedApiVersion }
  const stored = await database.write(key, expected, form)
  return View.ofStored(database, served, stored)
}

/** Writes what a webhook makes of the object. */
async function storeConverted(context: WriteContext, key: string, expected: number, object: AnyObject): Promise<View> {
  const { cluster, served } = context
  const { database } = cluster
  const form = await toStorageVersion(cluster, served, object)
  const existing = database.read(key)
  if (expected === 0 && existing !== undefined) throw taken(context, existing)
  const stored = await database.write(key, expected, form)
  return View.ofObject({ ...object, metadata: { ...object.metadata, resourceVersion: String(stored.revision) } })
}

function withStatus(object: AnyObject, status: unknown): AnyObject {
  if (status !== undefined) return { ...object, status }
  if (!('status' in object)) return object
  const { status: _dropped, ...rest } = object
  return rest as AnyObject
}

function validate(
  context: WriteContext,
  object: AnyObject,
  live: AnyObject | undefined,
  claims: readonly FieldError[],
): void {
  const { served, subresource } = context
  served.strategy.authorize?.(context, object, live)
  // Unchanged metadata was valid when it was stored.
  const unchanged = served.custom && holdsStatus(subresource)
  const meta = unchanged ? [] : metaErrors(context, object.metadata, live?.metadata, claims)
  const { strategy } = served
  const ofStatus = live !== undefined && holdsStatus(subresource) && strategy.validateStatus !== undefined
  const part = live === undefined ? undefined : partOf(context)
  const ofPart = part?.validate(object, live!)
  const own = ofPart ?? (ofStatus ? strategy.validateStatus!(object, live) : strategy.validate?.(object, live)) ?? []
  const errors = served.compiled?.validate(object, live, meta, own) ?? [...meta, ...own]
  if (errors.length > 0) throw invalidObject(context, object, errors)
}

function metaErrors(
  { served }: WriteContext,
  meta: ObjectMeta,
  live: ObjectMeta | undefined,
  claims: readonly FieldError[],
): FieldError[] {
  return live === undefined ? validateMeta(meta, served) : validateNextMeta(meta, live, claims, served)
}
