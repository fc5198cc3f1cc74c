import type { ManagedFieldsEntry } from '../types.ts'
import { difference, fieldSetOf, intersection } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { fieldsOf, isEntryOf, newEntry, sortEntries, withFields } from './managed-fields.ts'

/** The version of the Scale object. */
const SCALE_VERSION = 'autoscaling/v1'

const scaleReplicas = fieldSetOf([['spec', 'replicas']])

/**
 * Where the versions of a kind have their number of replicas: a path of field names, or undefined where a version has
 * none. Versions that are not in it are not served any more.
 */
export type ReplicasPaths = ReadonlyMap<string, readonly string[] | undefined>

/** The entries of an object that own its number of replicas, as entries of its Scale. */
export function scaleEntries(entries: readonly ManagedFieldsEntry[], paths: ReplicasPaths): ManagedFieldsEntry[] {
  return entries
    .filter((entry) => owns(entry, replicasSet(paths, entry.apiVersion)))
    .map((entry) => newEntry({ ...entry, apiVersion: SCALE_VERSION }, scaleReplicas!, entry.time))
}

/**
 * The entries of an object after a write to its Scale, whose entries are now `scaled`: who has lost the number of
 * replicas there loses it here, and who owns it there owns it here, in the object's own version.
 */
export function entriesAfterScaling(
  entries: readonly ManagedFieldsEntry[],
  scaled: readonly ManagedFieldsEntry[],
  apiVersion: string,
  paths: ReplicasPaths,
): readonly ManagedFieldsEntry[] {
  const gained = new Set(scaled.filter((entry) => owns(entry, scaleReplicas)))
  const result: ManagedFieldsEntry[] = []
  for (const entry of entries) {
    if (!paths.has(entry.apiVersion)) continue
    const replicas = replicasSet(paths, entry.apiVersion)
    if (!owns(entry, replicas)) {
      result.push(entry)
      continue
    }
    const same = scaled.find((other) => isEntryOf({ ...entry, apiVersion: SCALE_VERSION }, other))
    const kept = same === undefined ? withFields(entry, difference(fieldsOf(entry), replicas), entry.time) : entry
    if (same !== undefined) gained.delete(same)
    if (kept !== undefined) result.push(kept)
  }
  const own = replicasSet(paths, apiVersion)
  if (own !== undefined) {
    // As in Kubernetes, without a time: whoever is new here had none before.
    for (const entry of gained) result.push(newEntry({ ...entry, apiVersion }, own, undefined))
  }
  return sortEntries(result)
}

function replicasSet(paths: ReplicasPaths, apiVersion: string): FieldSet | undefined {
  const path = paths.get(apiVersion)
  return path === undefined ? undefined : fieldSetOf([path])
}

function owns(entry: ManagedFieldsEntry, set: FieldSet | undefined): boolean {
  return intersection(fieldsOf(entry), set) !== undefined
}
