import type { ManagedFieldsEntry } from '../types.ts'
import { compareObjects, gained } from './compare.ts'
import { difference, recursiveDifference, sorted, union } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import type { MapType } from './field-type.ts'
import type { JsonMap } from './json-values.ts'
import { allPathsOfMap, withoutMetadataItself } from './owned-fields.ts'
import { capUpdateEntries, entryOf, fieldsOf, isEntryOf, newEntry, sortEntries, withFields } from './managed-fields.ts'
import type { Writer } from './managed-fields.ts'
import { reconcileWithType } from './reconcile.ts'

/** Says whether an API version is still served; entries of versions that are not are dropped. */
export type IsServed = (apiVersion: string) => boolean

/** The entries that still mean something, fitted to the schema; the same list when nothing had to change. */
export function currentEntries(
  entries: readonly ManagedFieldsEntry[],
  type: MapType,
  isServed: IsServed | undefined,
): readonly ManagedFieldsEntry[] {
  let changed = false
  const result: ManagedFieldsEntry[] = []
  for (const entry of entries) {
    const set = isServed === undefined || isServed(entry.apiVersion) ? fieldsOf(entry) : undefined
    const current = set === undefined ? undefined : withFields(entry, reconcileWithType(set, type), entry.time)
    if (current !== entry) changed = true
    if (current !== undefined) result.push(current)
  }
  return changed ? result : entries
}

export interface UpdateToRecord {
  readonly before: JsonMap
  readonly after: JsonMap
  readonly type: MapType
  /** Current entries, see {@link currentEntries}. */
  readonly entries: readonly ManagedFieldsEntry[]
  readonly writer: Writer
  /** RFC 3339, whole seconds. */
  readonly now: string
  /** Fields the endpoint does not write. */
  readonly ignored: FieldSet | undefined
}

/**
 * Ownership after a write that is not an apply: the writer gains what it modified and added, everybody else loses
 * that, and what was removed belongs to nobody. Rewriting equal values gains nothing. Returns the same list when
 * nothing changed.
 */
export function recordUpdate(update: UpdateToRecord): readonly ManagedFieldsEntry[] {
  const { entries, writer, now } = update
  const comparison = compareObjects(update.before, update.after, update.type, update.ignored)
  if (comparison === undefined) return entries
  const gain = gained(comparison)
  const result: ManagedFieldsEntry[] = []
  let changed = false
  let recorded = gain === undefined
  for (const entry of entries) {
    const kept = difference(fieldsOf(entry), comparison.removed)
    let next: ManagedFieldsEntry | undefined
    if (isEntryOf(entry, writer)) {
      next = withFields(entry, union(kept, gain), gain === undefined ? entry.time : now)
      recorded = true
    } else {
      next = withFields(entry, difference(kept, gain), entry.time)
    }
    if (next !== entry) changed = true
    if (next !== undefined) result.push(next)
  }
  if (!recorded && gain !== undefined) result.push(newEntry(writer, gain, now))
  else if (!changed) return entries
  return capUpdateEntries(sortEntries(result))
}

/** What creating an object of some type has said last. */
interface Creation {
  readonly paths: FieldSet | undefined
  readonly ignored: FieldSet | undefined
  /** The paths in the order in which they are stored, without what is ignored. */
  readonly fields: FieldSet | undefined
}

const creations = new WeakMap<MapType, Creation>()

/**
 * As {@link recordUpdate} from nothing. New objects of a kind mostly have the same fields, so that those of the last
 * one are looked at first: to find them again takes a fraction of the time to put them together.
 */
export function recordCreation(
  object: JsonMap,
  type: MapType,
  writer: Writer,
  now: string,
  ignored: FieldSet | undefined,
): readonly ManagedFieldsEntry[] {
  let creation = creations.get(type)
  const paths = allPathsOfMap(object, type, creation?.paths)
  if (creation === undefined || paths !== creation.paths || ignored !== creation.ignored) {
    const fields = recursiveDifference(withoutMetadataItself(paths), ignored)
    creation = { paths, ignored, fields: fields === undefined ? undefined : sorted(fields) }
    creations.set(type, creation)
  }
  return creation.fields === undefined ? [] : [entryOf(writer, creation.fields, now)]
}
