import { compareObjects } from './compare.ts'
import { difference } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import type { MapType } from './field-type.ts'
import { setMember } from '../deep-equal.ts'
import type { Json, KubeObject } from '../types.ts'
import { compareStrings, kindOf, member } from './json-values.ts'
import type { JsonMap } from './json-values.ts'
import { ownedFields } from './owned-fields.ts'
import { applyProblems } from './validate-applied.ts'

/** Where client-side apply keeps what it applied last. */
const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration'

/** All annotations of an object together, names and values, in bytes. */
const MAX_ANNOTATIONS_BYTES = 262_144

/** Only kubectl's own manager migrates from client-side apply; whoever picks another name opts out. */
export const MIGRATING_MANAGER = 'kubectl'

function lastApplied(object: KubeObject): string | undefined {
  const text = object.metadata.annotations?.[ANNOTATION]
  return text === undefined || text === '' ? undefined : text
}

/**
 * The fields that client-side apply owns: those it applied last and that still have the values it gave them. Moving on
 * to server-side apply may change them without force.
 */
export function fieldsOfLastApplied(live: KubeObject, apiVersion: string, type: MapType): FieldSet | undefined {
  const text = lastApplied(live)
  if (text === undefined) return undefined
  let applied: Json
  try {
    applied = JSON.parse(text) as Json
  } catch {
    return undefined
  }
  if (kindOf(applied) !== 'map' || member(applied as JsonMap, 'apiVersion') !== apiVersion) return undefined
  if (applyProblems(applied as JsonMap, type).length > 0) return undefined
  const owned = ownedFields(applied as JsonMap, type)
  const changed = compareObjects(applied as JsonMap, live as unknown as JsonMap, type, undefined)
  if (changed === undefined) return owned
  return difference(difference(difference(owned, changed.modified), changed.added), changed.removed)
}

/** Keeps the annotation up to date, for people who still use client-side apply; removes it when it gets too large. */
export function withLastApplied<T extends KubeObject>(object: T, configuration: KubeObject): T {
  if (lastApplied(object) === undefined) return object
  const applied = { ...configuration, metadata: { ...configuration.metadata } }
  if (applied.metadata.annotations !== undefined) {
    const { [ANNOTATION]: _, ...others } = applied.metadata.annotations
    applied.metadata.annotations = others
  }
  const text = `${JSON.stringify(withSortedKeys(applied as unknown as Json))}\n`
  if (text === object.metadata.annotations?.[ANNOTATION]) return object
  const annotations: Record<string, string> = { ...object.metadata.annotations, [ANNOTATION]: text }
  if (bytesOf(annotations) > MAX_ANNOTATIONS_BYTES) delete annotations[ANNOTATION]
  return { ...object, metadata: { ...object.metadata, annotations } }
}

function withSortedKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(withSortedKeys)
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, Json> = {}
  for (const key of Object.keys(value).sort(compareStrings)) {
    const content = value[key]
    if (content !== undefined) setMember(result, key, withSortedKeys(content))
  }
  return result
}

function bytesOf(annotations: Readonly<Record<string, string>>): number {
  let bytes = 0
  for (const [name, value] of Object.entries(annotations)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}
