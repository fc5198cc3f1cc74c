import { deepEqual } from '../deep-equal.ts'
import { badRequest } from '../errors.ts'
import type { KubeObject, ManagedFieldsEntry } from '../types.ts'
import { ApplyConflictError, ApplyTypeError } from './apply-errors.ts'
import type { ManagerConflict } from './apply-errors.ts'
import { compareObjects, gained } from './compare.ts'
import { describePaths, difference, intersection, isSubset, recursiveDifference } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { rootType } from './field-type.ts'
import type { MapType } from './field-type.ts'
import { fieldsOfLastApplied, MIGRATING_MANAGER, withLastApplied } from './last-applied.ts'
import { fieldsOf, isEntryOf, newEntry, sortEntries, withFields, withManagedFields } from './managed-fields.ts'
import type { Writer } from './managed-fields.ts'
import { mergeObjects } from './merge.ts'
import { statedFields, UnfitError } from './owned-fields.ts'
import { ItemError } from './path-element.ts'
import { prune } from './prune.ts'
import type { Pruned, VersionedSet } from './prune.ts'
import { currentEntries, recordUpdate } from './record-update.ts'
import { asMap, resetFieldSet, writerOf } from './track-update.ts'
import type { WriteContext } from './track-update.ts'
import { applyProblems } from './validate-applied.ts'

export interface ApplyConfigurationOptions extends WriteContext {
  /** Absent when the apply creates the object. */
  readonly live?: KubeObject | undefined
  /** What the manager wants: only the fields it cares about. Of the live object's version. */
  readonly configuration: KubeObject
  /** Takes conflicting fields away from their owners. */
  readonly force: boolean
}

export interface ApplyResult {
  /** The merged object with its new managed fields; shares unchanged parts with the live one. */
  readonly object: KubeObject
  /** Whether anything but times of managed fields differs from the live object. */
  readonly changed: boolean
}

/**
 * Server-side apply: lays a configuration over the live object, removes what the manager applied before and no longer
 * does unless somebody else owns it, and records who owns what. Neither input is changed.
 *
 * The result may hold changes to `resetFields`; restoring those is the endpoint's business, as for every other write.
 *
 * Throws {@link ApplyConflictError} when others own what would change and `force` is off, {@link ApplyTypeError} when the
 * configuration, or the live object, does not fit the schema, and ApiError (400) when it contains managed fields.
 */
export function applyConfiguration(options: ApplyConfigurationOptions): ApplyResult {
  if (options.configuration.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  try {
    return apply(options)
  } catch (error) {
    if (!(error instanceof ItemError)) throw error
    throw new ApplyTypeError(`live object (${describeObject(options.live ?? options.configuration)})`, [error.message])
  }
}

function apply(options: ApplyConfigurationOptions): ApplyResult {
  const { live, configuration } = options
  const type = rootType(options.schema)
  const writer = writerOf(options, 'Apply', configuration.apiVersion)
  const ignored = resetFieldSet(options.resetFields)
  const stored = live?.metadata.managedFields ?? []
  const entries = currentEntries(stored.length > 0 ? stored : firstEntries(options, type), type, options.isServed)
  const last = entries.find((entry) => isEntryOf(entry, writer))
  const others = last === undefined ? entries : entries.filter((entry) => entry !== last)
  const set = recursiveDifference(stated(configuration, type, last), ignored)

  const { object, compared } = mergeAndPrune(options, type, writer, set, last, others)
  const unchanged = live !== undefined && object === asMap(live)
  const comparison = unchanged ? undefined : compareObjects(asMap(live), compared, type, ignored)
  const gain = comparison === undefined ? undefined : gained(comparison)
  if (!options.force) refuseConflicts(options, type, conflictsWith(others, gain))

  const time = unchanged ? last?.time : options.now
  const next: ManagedFieldsEntry[] = []
  for (const entry of others) {
    const kept = withFields(entry, difference(difference(fieldsOf(entry), gain), comparison?.removed), entry.time)
    if (kept !== undefined) next.push(kept)
  }
  const own = ownEntry(writer, set, last, time)
  if (own !== undefined) next.push(own)

  const sameOwners = sameSets(stored, next)
  const base = unchanged ? live : (object as unknown as KubeObject)
  const tracked = withManagedFields(base, unchanged && sameOwners ? stored : sortEntries(next))
  const result = options.manager === MIGRATING_MANAGER ? withLastApplied(tracked, configuration) : tracked
  return { object: result, changed: !(unchanged && sameOwners && result === tracked) }
}

function stated(configuration: KubeObject, type: MapType, last: ManagedFieldsEntry | undefined): FieldSet | undefined {
  try {
    return statedFields(asMap(configuration), type, last === undefined ? undefined : fieldsOf(last))
  } catch (error) {
    if (!(error instanceof UnfitError)) throw error
    throw new ApplyTypeError(
      `patch object (${describeObject(configuration)})`,
      applyProblems(asMap(configuration), type),
    )
  }
}

/** For an object nobody tracks yet: all it has belongs to a manager that stands for the time before. */
function firstEntries(options: ApplyConfigurationOptions, type: MapType): readonly ManagedFieldsEntry[] {
  if (options.live === undefined) return []
  return recordUpdate({
    before: asMap(options.blank),
    after: asMap(options.live),
    type,
    entries: [],
    writer: writerOf({ ...options, manager: 'before-first-apply' }, 'Update', options.configuration.apiVersion),
    now: options.now,
    ignored: resetFieldSet(options.resetFields),
  })
}

function mergeAndPrune(
  options: ApplyConfigurationOptions,
  type: MapType,
  writer: Writer,
  set: FieldSet | undefined,
  last: ManagedFieldsEntry | undefined,
  others: readonly ManagedFieldsEntry[],
): Pruned {
  const { live, configuration } = options
  if (live === undefined) return { object: asMap(configuration), compared: asMap(configuration) }
  let merged = mergeObjects(asMap(live), asMap(configuration), type)
  if (live.apiVersion !== configuration.apiVersion) merged = { ...merged, apiVersion: configuration.apiVersion }
  const lastSet = last === undefined ? undefined : fieldsOf(last)
  // Nothing can go when all that was stated before still is.
  if (last === undefined || lastSet === undefined || isSubset(lastSet, set)) return { object: merged, compared: merged }
  const current: VersionedSet[] = []
  for (const entry of others) {
    const owned = fieldsOf(entry)
    if (owned !== undefined) current.push({ apiVersion: entry.apiVersion, set: owned })
  }
  if (set !== undefined) current.push({ apiVersion: writer.apiVersion, set })
  const { object, compared } = prune(merged, type, { apiVersion: last.apiVersion, set: lastSet }, current)
  // An empty container that is stated was emptied with its former contents; it comes back as stated.
  const result = mergeObjects(object, asMap(configuration), type)
  return { object: deepEqual(result, live) ? asMap(live) : result, compared }
}

interface Conflict {
  readonly entry: ManagedFieldsEntry
  readonly fields: FieldSet
}

function conflictsWith(others: readonly ManagedFieldsEntry[], gain: FieldSet | undefined): Conflict[] {
  const conflicts: Conflict[] = []
  if (gain === undefined) return conflicts
  for (const entry of others) {
    const fields = intersection(fieldsOf(entry), gain)
    if (fields !== undefined) conflicts.push({ entry, fields })
  }
  return conflicts
}

function refuseConflicts(options: ApplyConfigurationOptions, type: MapType, conflicts: readonly Conflict[]): void {
  if (conflicts.length === 0) return
  let refused = conflicts
  if (options.manager === MIGRATING_MANAGER && options.live !== undefined) {
    const allowed = fieldsOfLastApplied(options.live, options.configuration.apiVersion, type)
    refused = conflicts.flatMap(({ entry, fields }) => {
      const rest = difference(fields, allowed)
      return rest === undefined ? [] : [{ entry, fields: rest }]
    })
    if (refused.length === 0) return
  }
  throw new ApplyConflictError(refused.map(describeConflict))
}

function describeConflict({ entry, fields }: Conflict): ManagerConflict {
  const { manager, operation, apiVersion, subresource, time } = entry
  return {
    manager,
    operation,
    apiVersion,
    ...(subresource === undefined ? {} : { subresource }),
    ...(time === undefined ? {} : { time }),
    fields: describePaths(fields),
  }
}

/** Keeps the stored set when the new one says the same. */
function ownEntry(
  writer: Writer,
  set: FieldSet | undefined,
  last: ManagedFieldsEntry | undefined,
  time: string | undefined,
): ManagedFieldsEntry | undefined {
  if (set === undefined) return undefined
  const lastSet = last === undefined ? undefined : fieldsOf(last)
  if (last !== undefined && last.apiVersion === writer.apiVersion && sameSet(lastSet, set)) {
    return withFields(last, lastSet, time)
  }
  return newEntry(writer, set, time)
}

function sameSet(left: FieldSet | undefined, right: FieldSet | undefined): boolean {
  return isSubset(left, right) && isSubset(right, left)
}

/** Whether the entries say the same but for times. Entries that did not change share their set. */
function sameSets(stored: readonly ManagedFieldsEntry[], next: readonly ManagedFieldsEntry[]): boolean {
  return (
    stored.length === next.length &&
    next.every((entry) =>
      stored.some(
        (other) =>
          other.fieldsV1 === entry.fieldsV1 && other.apiVersion === entry.apiVersion && isEntryOf(other, entry),
      ),
    )
  )
}

function describeObject(object: KubeObject): string {
  // Nothing has looked at the types of these yet.
  const { name, namespace }: { name?: unknown; namespace?: unknown } = object.metadata
  const [inNamespace, named] = [namespace, name].map((text) => (typeof text === 'string' ? text : ''))
  const version = object.apiVersion.includes('/') ? object.apiVersion : `/${object.apiVersion}`
  return `${inNamespace}/${named}; ${version}, Kind=${object.kind}`
}
