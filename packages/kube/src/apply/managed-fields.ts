import { deepEqual } from '../deep-equal.ts'
import type { Json, KubeObject, ManagedFieldsEntry } from '../types.ts'
import { decodeFieldSet, hasEntries, sorted, union } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { compareStrings, kindOf } from './json-values.ts'

/** Who wrote, and how: together with its set of fields this makes an entry of managed fields. */
export interface Writer {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string
}

/** As Kubernetes: at most so many entries of updates are kept; the oldest beyond are merged. */
const MAX_UPDATE_ENTRIES = 10
const MERGED_MANAGER = 'ancient-changes'

/** Appliers are the same across versions, since a later apply replaces all they said before. */
export function isEntryOf(entry: ManagedFieldsEntry, writer: Writer): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    (entry.subresource ?? '') === (writer.subresource ?? '') &&
    (writer.operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  )
}

/** The entry's set in our own spelling: stored entries are canonical, see {@link decodeEntries}. */
export function fieldsOf(entry: ManagedFieldsEntry): FieldSet | undefined {
  const set = entry.fieldsV1 as FieldSet
  return hasEntries(set) ? set : undefined
}

/** The entry with another set; undefined when the set is empty. */
export function withFields(
  entry: ManagedFieldsEntry,
  set: FieldSet | undefined,
  time: string | undefined,
): ManagedFieldsEntry | undefined {
  if (set === undefined) return undefined
  if (set === entry.fieldsV1 && time === entry.time) return entry
  if (set === entry.fieldsV1 && time !== undefined && entry.time !== undefined) return { ...entry, time }
  return newEntry(entry, set, time)
}

export function newEntry(writer: Writer, set: FieldSet, time: string | undefined): ManagedFieldsEntry {
  return entryOf(writer, sorted(set), time)
}

/** As {@link newEntry}, of a set that is in the order in which it is stored. */
export function entryOf(writer: Writer, set: FieldSet, time: string | undefined): ManagedFieldsEntry {
  const { manager, operation, apiVersion, subresource } = writer
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: set,
    ...(subresource === undefined || subresource === '' ? {} : { subresource }),
  }
}

export function sortEntries(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  return entries.length < 2 ? entries : entries.toSorted(compareEntries)
}

function compareEntries(left: ManagedFieldsEntry, right: ManagedFieldsEntry): number {
  return (
    compareStrings(left.operation, right.operation) ||
    compareTimes(left.time, right.time) ||
    compareStrings(left.manager, right.manager) ||
    compareStrings(left.apiVersion, right.apiVersion) ||
    compareStrings(left.subresource ?? '', right.subresource ?? '')
  )
}

/** By whole seconds; no time is the oldest. */
function compareTimes(left: string | undefined, right: string | undefined): number {
  return left === right ? 0 : secondsOf(left) - secondsOf(right)
}

function secondsOf(time: string | undefined): number {
  const milliseconds = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(milliseconds) ? Number.NEGATIVE_INFINITY : Math.floor(milliseconds / 1000)
}

/**
 * Which entries a write starts from: those in the written object when they can be read, so that clients may edit
 * them, otherwise the live ones, so that clients which do not know them do not lose them. An empty list, or one empty
 * entry, resets them. Writes to subresources always start from the live ones.
 */
export function startingEntries(
  live: KubeObject | undefined,
  written: KubeObject,
  subresource: string | undefined,
): readonly ManagedFieldsEntry[] {
  const stored = live?.metadata.managedFields ?? []
  const sent: unknown = written.metadata.managedFields
  if (sent === stored || (subresource !== undefined && subresource !== '') || !Array.isArray(sent)) return stored
  if (sent.length === 0 || (sent.length === 1 && deepEqual(sent[0], {}))) return []
  if (deepEqual(sent, stored)) return stored
  const decoded = decodeEntries(sent)
  return decoded === undefined || decoded.length === 0 ? stored : decoded
}

/** Entries written by someone else, made canonical; undefined when one of them cannot be read. */
function decodeEntries(entries: readonly unknown[]): ManagedFieldsEntry[] | undefined {
  const result: ManagedFieldsEntry[] = []
  for (const entry of entries) {
    const decoded = decodeEntry(entry)
    if (decoded === undefined) return undefined
    if (decoded !== 'empty') result.push(decoded)
  }
  return result
}

function decodeEntry(value: unknown): ManagedFieldsEntry | 'empty' | undefined {
  if (kindOf(value as Json) !== 'map') return undefined
  const entry = value as Partial<Record<keyof ManagedFieldsEntry, unknown>>
  const { manager = '', operation, apiVersion, time, fieldsType, subresource = '' } = entry
  if (operation !== 'Apply' && operation !== 'Update') return undefined
  if (typeof manager !== 'string' || typeof apiVersion !== 'string' || apiVersion === '') return undefined
  if (fieldsType !== 'FieldsV1' || typeof subresource !== 'string') return undefined
  let set: FieldSet | undefined
  try {
    set = decodeFieldSet(entry.fieldsV1 as Json | undefined)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (set === undefined) return 'empty'
  const writer: Writer = { manager, operation, apiVersion, subresource }
  return newEntry(writer, set, typeof time === 'string' && !Number.isNaN(Date.parse(time)) ? time : undefined)
}

/** Merges the oldest entries of updates, per API version, while there are too many of them. */
export function capUpdateEntries(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  let updates = 0
  for (const entry of entries) {
    if (entry.operation === 'Update') updates++
  }
  if (updates <= MAX_UPDATE_ENTRIES) return entries
  const oldestFirst = entries.filter((entry) => entry.operation === 'Update').toSorted(compareEntries)
  const kept = new Set(entries)
  const merged = new Map<string, ManagedFieldsEntry>()
  for (const entry of oldestFirst) {
    if (updates <= MAX_UPDATE_ENTRIES) break
    const earlier = merged.get(entry.apiVersion)
    if (earlier === undefined) {
      merged.set(entry.apiVersion, entry)
      continue
    }
    const writer: Writer = { manager: MERGED_MANAGER, operation: 'Update', apiVersion: entry.apiVersion }
    const existing = [...kept].find((other) => other !== entry && isEntryOf(other, writer))
    const target = existing ?? earlier
    kept.delete(target)
    kept.delete(entry)
    updates--
    const set = union(fieldsOf(target), fieldsOf(entry))
    if (set === undefined) continue
    const bucket = newEntry(writer, set, entry.time)
    kept.add(bucket)
    if (existing === undefined || existing === earlier) merged.set(entry.apiVersion, bucket)
  }
  return sortEntries([...kept])
}

/** The object with these managed fields; itself when it has them already. */
export function withManagedFields<T extends KubeObject>(object: T, entries: readonly ManagedFieldsEntry[]): T {
  const current = object.metadata.managedFields
  if (current === entries || (current === undefined && entries.length === 0)) return object
  const { managedFields: _, ...metadata } = object.metadata
  if (entries.length === 0) return { ...object, metadata }
  return { ...object, metadata: { ...metadata, managedFields: entries as ManagedFieldsEntry[] } }
}
