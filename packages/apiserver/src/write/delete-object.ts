import { conflict, customResourceDefinitions, forbidden } from '@locktender/kube'
import type { ObjectMeta, Status } from '@locktender/kube'
import { isNamespace } from '../admission/attributes.ts'
import type { AdmissionAttributes } from '../admission/attributes.ts'
import { mutate, review } from '../admission/chain.ts'
import { admit } from '../admission/admit.ts'
import type { Stored } from '../database.ts'
import type { AnyObject } from '../objects/object.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { ServedResource } from '../served-resource.ts'
import { View } from '../present/view.ts'
import type { WriteContext } from './write-context.ts'
import { acknowledge, checkUnraced, isHeld, removeObject, store } from './write-pipeline.ts'

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan'

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined
  readonly propagationPolicy?: PropagationPolicy | undefined
  /** Told to admission only: nothing here runs that would need time to end. */
  readonly gracePeriodSeconds?: number | undefined
}

/** Finalizers by which the garbage collector learns what to do with dependents. */
const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'

const PERMANENT_NAMESPACES = new Set(['default', 'kube-system', 'kube-public'])

/**
 * Deletes an object, or marks it when finalizers hold it. `live` is in the served version.
 * @throws ApiError, or RevisionMismatch when another write came in while admission webhooks were asked
 */
export async function deleteObject(
  context: WriteContext,
  stored: Stored,
  live: AnyObject,
  options: DeleteOptions,
): Promise<{ readonly gone: boolean; readonly view: View }> {
  const { served } = context
  const { name } = live.metadata
  if (options.preconditions !== undefined) checkDeletePreconditions(context, live, options.preconditions)
  if (isNamespace(context) && PERMANENT_NAMESPACES.has(name)) {
    throw forbidden(groupResourceOf(served), name, 'this namespace may not be deleted')
  }
  const attributes: AdmissionAttributes = {
    context,
    operation: 'DELETE',
    name,
    object: undefined,
    oldObject: live,
    options: describe(context, options),
  }
  const mutating = mutate(attributes)
  if (mutating instanceof Promise) await mutating
  admit(attributes)
  const reviewing = review(attributes)
  if (reviewing !== undefined) await reviewing
  if (mutating instanceof Promise || reviewing !== undefined) checkUnraced(context, stored)
  const policy = options.propagationPolicy ?? defaultPolicy(context)
  const finalizers = finalizersFor(policy, live.metadata.finalizers ?? [])
  const { finalizers: before = [], ...metadata } = live.metadata
  const object: AnyObject = { ...live, metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers } }
  if (!isHeld(context, object)) {
    // Pods are given time to end, though none may be left of it.
    const last = isPod(served) && live.metadata.deletionTimestamp === undefined ? mark(context, live) : live
    return { gone: true, view: await removeObject(context, stored, last) }
  }
  const sameFinalizers = before.length === finalizers.length && before.every((item) => finalizers.includes(item))
  const marked = live.metadata.deletionTimestamp === undefined ? mark(context, object) : object
  if (marked === object && sameFinalizers) return { gone: false, view: await acknowledge(context, stored) }
  if (context.options.dryRun) return { gone: false, view: View.ofObject(marked) }
  return { gone: false, view: await store(context, stored.key, stored.revision, marked) }
}

function isPod({ resource: { kind, group } }: ServedResource): boolean {
  return kind === 'Pod' && group === ''
}

/** The options as admission is told of them. */
function describe({ options: { dryRun } }: WriteContext, options: DeleteOptions): Record<string, unknown> {
  const { preconditions, propagationPolicy, gracePeriodSeconds } = options
  return {
    kind: 'DeleteOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(dryRun ? { dryRun: ['All'] } : {}),
  }
}

function checkDeletePreconditions(
  { served }: WriteContext,
  { metadata: { name, uid, resourceVersion } }: AnyObject,
  wanted: NonNullable<DeleteOptions['preconditions']>,
): void {
  // As in Kubernetes, which names the kind here and not the resource.
  const target = { group: served.resource.group, resource: served.resource.kind }
  if (wanted.uid !== undefined && wanted.uid !== uid) {
    throw conflict(
      target,
      name,
      `the UID in the precondition (${wanted.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  }
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    throw conflict(
      target,
      name,
      `the ResourceVersion in the precondition (${wanted.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    )
  }
}

function finalizersFor(policy: PropagationPolicy | undefined, finalizers: readonly string[]): string[] {
  if (policy === undefined) return [...finalizers]
  const rest = finalizers.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN)
  if (policy === 'Foreground') return [...rest, FOREGROUND]
  return policy === 'Orphan' ? [...rest, ORPHAN] : rest
}

/** What happens to dependents when nobody says: some kinds are older than garbage collection. */
function defaultPolicy({ served, warnings }: WriteContext): PropagationPolicy | undefined {
  const { kind, group } = served.resource
  if (kind === 'Job' && group === 'batch') {
    warnings.push(
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or ' +
        'set propagationPolicy=Orphan to suppress this warning',
    )
    return 'Orphan'
  }
  return kind === 'ReplicationController' && group === '' ? 'Orphan' : undefined
}

function mark(context: WriteContext, object: AnyObject): AnyObject {
  const { served, cluster } = context
  const { name, generateName, namespace, uid, resourceVersion, generation, creationTimestamp, ...rest } =
    object.metadata
  const isContainer = isNamespace(context) || isDefinition(context)
  const metadata = {
    name,
    generateName,
    namespace,
    uid,
    resourceVersion,
    generation: generation === undefined || isContainer ? generation : generation + 1,
    creationTimestamp,
    deletionTimestamp: cluster.database.now(),
    // What holds other objects is marked in ways of its own, and given no time.
    deletionGracePeriodSeconds: isContainer ? undefined : 0,
    ...rest,
  }
  // Members that are undefined do not reach the encoded object.
  const marked: AnyObject = { ...object, metadata: metadata as ObjectMeta }
  return served.strategy.beginDeletion?.(marked) ?? marked
}

function isDefinition({ served: { resource } }: WriteContext): boolean {
  return resource.plural === customResourceDefinitions.plural && resource.group === customResourceDefinitions.group
}

/** What a client hears when the object is gone. */
export function deletedStatus(served: ServedResource, object: AnyObject): Status {
  const { group, plural } = served.resource
  const { name, uid } = object.metadata
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(group === '' ? {} : { group }), kind: plural, ...(uid === undefined ? {} : { uid }) },
  }
}
