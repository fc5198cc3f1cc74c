import type { StructuralSchema } from '../schema-types.ts'
import type { KubeObject } from '../types.ts'
import { fieldSetOf } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { rootType } from './field-type.ts'
import type { JsonMap } from './json-values.ts'
import { startingEntries, withManagedFields } from './managed-fields.ts'
import type { Writer } from './managed-fields.ts'
import { ItemError } from './path-element.ts'
import { currentEntries, recordCreation, recordUpdate } from './record-update.ts'
import type { IsServed } from './record-update.ts'

/** What is common to all writes whose ownership is recorded. */
export interface WriteContext {
  /** Schema of the written version; absent for kinds without one, whose types are deduced from values. */
  readonly schema: StructuralSchema | undefined
  readonly manager: string
  /** Absent or empty for the object itself. */
  readonly subresource?: string
  /** RFC 3339 in whole seconds: `2026-01-31T12:00:00Z`. */
  readonly now: string
  /**
   * Fields this endpoint does not write, as paths of field names (`[['status']]` on the main endpoint of a kind with a
   * status subresource); what is below them is never owned through it and never conflicts.
   */
  readonly resetFields?: readonly (readonly string[])[]
  /**
   * What an object of the kind has before anybody states anything, for kinds whose types write empty parts; those parts
   * are nobody's. Absent: nothing.
   */
  readonly blank?: KubeObject | undefined
  /** Entries of versions for which this is false are dropped; all versions count as served without it. */
  readonly isServed?: IsServed
}

export interface TrackUpdateOptions<T extends KubeObject> extends WriteContext {
  /** Absent on create. */
  readonly live?: KubeObject | undefined
  /** The object to be stored, after defaulting and with what the endpoint does not write taken from the live one. */
  readonly updated: T
  readonly operation: 'Update'
}

/**
 * The object with the managed fields it has after a create, update or patch other than apply. Objects whose managed
 * fields were reset stay untracked until somebody applies. Never fails: when ownership cannot be told, the live managed
 * fields stay. Neither input is changed; unchanged parts are shared.
 */
export function trackUpdate<T extends KubeObject>(options: TrackUpdateOptions<T>): T {
  const { live, updated } = options
  const start = startingEntries(live, updated, options.subresource)
  if (start.length === 0 && live !== undefined) return withManagedFields(updated, start)
  const type = rootType(options.schema)
  const before = live ?? options.blank
  const after = asMap(updated)
  const writer = writerOf(options, 'Update', updated.apiVersion)
  const ignored = resetFieldSet(options.resetFields)
  const { now } = options
  try {
    if (before === undefined && start.length === 0) {
      return withManagedFields(updated, recordCreation(after, type, writer, now, ignored))
    }
    const entries = recordUpdate({
      before: asMap(before),
      after,
      type,
      entries: currentEntries(start, type, options.isServed),
      writer,
      now,
      ignored,
    })
    return withManagedFields(updated, entries)
  } catch (error) {
    if (!(error instanceof ItemError)) throw error
    return withManagedFields(updated, live?.metadata.managedFields ?? [])
  }
}

export function writerOf(context: WriteContext, operation: Writer['operation'], apiVersion: string): Writer {
  const manager = context.manager === '' ? 'unknown' : context.manager
  const { subresource } = context
  return subresource === undefined
    ? { manager, operation, apiVersion }
    : { manager, operation, apiVersion, subresource }
}

/** Objects hold JSON only, whatever more their types promise. */
export function asMap(object: KubeObject | undefined): JsonMap {
  return (object ?? {}) as unknown as JsonMap
}

const resetFieldSets = new WeakMap<readonly (readonly string[])[], { set: FieldSet | undefined }>()

/** Endpoints pass the same list each time, so the set is made once per list. */
export function resetFieldSet(paths: readonly (readonly string[])[] | undefined): FieldSet | undefined {
  if (paths === undefined) return undefined
  let known = resetFieldSets.get(paths)
  if (known === undefined) {
    known = { set: fieldSetOf(paths) }
    resetFieldSets.set(paths, known)
  }
  return known.set
}
