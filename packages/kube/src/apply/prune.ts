import { difference, intersection, union } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import type { MapType } from './field-type.ts'
import type { JsonMap } from './json-values.ts'
import { withNamedFields } from './named-fields.ts'
import { ownedFields } from './owned-fields.ts'
import { removeItems } from './remove-items.ts'

/** A manager's set with the API version it was written at. */
export interface VersionedSet {
  readonly apiVersion: string
  readonly set: FieldSet
}

export interface Pruned {
  /** What is left; containers that lost all their contents are absent. */
  readonly object: JsonMap
  /** The same with null for such containers: whoever else owns them keeps them. */
  readonly compared: JsonMap
}

/**
 * Takes out of a merged object what its applier stated last time, does not state now, and nobody else owns.
 *
 * @param last What the applier owned before.
 * @param current What all managers own now, the applier's new set included.
 */
export function prune(merged: JsonMap, type: MapType, last: VersionedSet, current: readonly VersionedSet[]): Pruned {
  const lastNamed = withNamedFields(last.set, type)
  const mergedNamed = withNamedFields(ownedFields(merged, type), type)
  let pruned = removeItems(merged, lastNamed, type, null)
  if (pruned === merged) return { object: merged, compared: merged }

  // Back with everything somebody owns.
  for (const managed of unionsByVersion(last.apiVersion, current)) {
    const keep = union(withNamedFields(ownedFields(pruned, type), type), withNamedFields(managed, type))
    pruned = removeItems(merged, difference(mergedNamed, keep), type, null)
  }

  // Back with everything that only went because something above it went: the applier never owned it.
  const gone = difference(mergedNamed, withNamedFields(ownedFields(pruned, type), type))
  const removed = intersection(gone, lastNamed)
  return { object: removeItems(merged, removed, type, undefined), compared: removeItems(merged, removed, type, null) }
}

/** The version last applied comes first, as its items may be needed to read those of others. */
function unionsByVersion(first: string, sets: readonly VersionedSet[]): FieldSet[] {
  const unions = new Map<string, FieldSet | undefined>([[first, undefined]])
  for (const { apiVersion, set } of sets) unions.set(apiVersion, union(unions.get(apiVersion), set))
  return [...unions.values()].filter((set) => set !== undefined)
}
