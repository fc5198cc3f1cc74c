import type { TestObject } from './test-cluster.ts'

/*
 * For tests: a small model of what Kubernetes promises about the objects of one resource, to hold a server against.
 */

type Fields = Readonly<Record<string, string>>

/** One object as the model knows it. Values are never changed in place. */
export interface Modelled {
  readonly uid: string
  readonly version: number
  readonly generation: number
  /** `name` and `mode` of the spec. */
  readonly spec: Fields
  readonly labels: Fields
  readonly phase: string | undefined
  readonly held: boolean
  readonly deleting: boolean
  /** Who owns which of the fields above, `manager operation` by path. */
  readonly owners: ReadonlyMap<string, ReadonlySet<string>>
}

/** A change of one object. */
interface Change {
  readonly version: number
  readonly name: string
  readonly before: Modelled | undefined
  readonly after: Modelled | undefined
}

/** All objects, and how they came to be. */
export class Model {
  readonly objects = new Map<string, Modelled>()
  readonly changes: Change[] = []

  record(name: string, version: number, after: Modelled | undefined): void {
    const before = this.objects.get(name)
    this.changes.push({ version, name, before, after })
    if (after === undefined) this.objects.delete(name)
    else this.objects.set(name, after)
  }

  stateAt(version: number): Map<string, Modelled> {
    const state = new Map<string, Modelled>()
    for (const change of this.changes) {
      if (change.version > version) break
      if (change.after === undefined) state.delete(change.name)
      else state.set(change.name, change.after)
    }
    return new Map([...state].sort(([left], [right]) => (left < right ? -1 : 1)))
  }
}

/** A selection of objects, as a query and as what it means. */
export interface Selector {
  readonly query: string
  readonly matches: (name: string, object: Modelled) => boolean
}

/** Selections of all kinds. */
export const selectors: readonly Selector[] = [
  { query: '', matches: () => true },
  { query: '&labelSelector=tier%3Da', matches: (_name, { labels }) => labels['tier'] === 'a' },
  { query: '&labelSelector=tier%20notin%20(a)', matches: (_name, { labels }) => labels['tier'] !== 'a' },
  { query: '&fieldSelector=metadata.name%3Dw1', matches: (name) => name === 'w1' },
  { query: '&fieldSelector=spec.mode%3DB', matches: (_name, { spec }) => spec['mode'] === 'B' },
]

/** The fields that the tests write. */
export const fieldPaths = ['spec.name', 'spec.mode', 'labels.tier'] as const
/** A field that the tests write. */
export type FieldPath = (typeof fieldPaths)[number]

/** Values by path; undefined removes. */
export type Values = Readonly<Partial<Record<FieldPath, string | undefined>>>

/** What the tests write into them. */
export const valuesOf: Record<FieldPath, readonly string[]> = {
  'spec.name': ['x', 'y'],
  'spec.mode': ['A', 'B'],
  'labels.tier': ['a', 'b'],
}

function read(object: Modelled, path: FieldPath): string | undefined {
  const [part, field] = path.split('.') as ['spec' | 'labels', string]
  return object[part][field]
}

function withValue(object: Modelled, path: FieldPath, value: string | undefined): Modelled {
  const [part, field] = path.split('.') as ['spec' | 'labels', string]
  const { [field]: _old, ...rest } = object[part]
  return { ...object, [part]: value === undefined ? rest : { ...rest, [field]: value } }
}

function withOwners(object: Modelled, path: FieldPath, owners: ReadonlySet<string>): Modelled {
  const all = new Map(object.owners)
  if (owners.size === 0) all.delete(path)
  else all.set(path, owners)
  return { ...object, owners: all }
}

function ownersOf(object: Modelled, path: FieldPath): ReadonlySet<string> {
  return object.owners.get(path) ?? new Set()
}

/** An update takes what it changes from everybody else. */
export function updated(object: Modelled, values: Values, manager: string): Modelled {
  let next = object
  for (const path of fieldPaths) {
    if (!(path in values) || read(next, path) === values[path]) continue
    next = withValue(next, path, values[path])
    next = withOwners(next, path, new Set(values[path] === undefined ? [] : [`${manager} Update`]))
  }
  return next
}

/** What an apply makes of an object; the paths it would take from others when it is not forced. */
export function applied(object: Modelled, values: Values, manager: string): { next: Modelled; conflicts: FieldPath[] } {
  const me = `${manager} Apply`
  const conflicts: FieldPath[] = []
  let next = object
  for (const path of fieldPaths) {
    const value = values[path]
    const owners = ownersOf(object, path)
    const others = [...owners].filter((owner) => owner !== me)
    if (value === undefined) {
      if (!owners.has(me)) continue
      // Given up: it goes when nobody else holds it.
      if (others.length === 0) next = withValue(next, path, undefined)
      next = withOwners(next, path, new Set(others))
    } else if (read(object, path) === value) {
      next = withOwners(next, path, new Set([...owners, me]))
    } else {
      if (others.length > 0) conflicts.push(path)
      next = withOwners(withValue(next, path, value), path, new Set([me]))
    }
  }
  return { next, conflicts }
}

/** Whether a write of `next` stores anything, and what then. */
export function stored(object: Modelled, next: Modelled, version: number): Modelled | undefined {
  const specChanged = sorted(object.spec) !== sorted(next.spec)
  const same = !specChanged && sorted(object.labels) === sorted(next.labels) && sameOwners(object.owners, next.owners)
  if (same && object.phase === next.phase && object.held === next.held) return undefined
  return { ...next, version, generation: object.generation + (specChanged ? 1 : 0) }
}

function sameOwners(left: Modelled['owners'], right: Modelled['owners']): boolean {
  const text = (owners: Modelled['owners']): string =>
    JSON.stringify([...owners].map(([path, set]) => [path, ...[...set].sort()] as const).sort(byKey))
  return text(left) === text(right)
}

/** An object as the server tells it, in one line. */
export function shown({ metadata, spec, status }: TestObject): string {
  const { name, uid, resourceVersion, generation, labels = {}, finalizers = [], deletionTimestamp } = metadata
  const { size: _default, ...rest } = spec ?? {}
  const marks = `${finalizers.length > 0 ? ' held' : ''}${deletionTimestamp === undefined ? '' : ' deleting'}`
  return `${name} ${uid} @${resourceVersion} #${generation} ${sorted(rest as Fields)} ${sorted(labels)} ${String(status?.['phase'])}${marks}`
}

/** The line of {@link shown} for an object of the model. */
export function expected(name: string, object: Modelled, version = object.version): string {
  const marks = `${object.held ? ' held' : ''}${object.deleting ? ' deleting' : ''}`
  return `${name} ${object.uid} @${version} #${object.generation} ${sorted(object.spec)} ${sorted(object.labels)} ${String(object.phase)}${marks}`
}

function sorted(fields: Fields): string {
  return JSON.stringify(Object.fromEntries(Object.entries(fields).sort(byKey)))
}

/** What a watch must have told of the changes after `from`. */
export function eventsOf(model: Model, selector: Selector, from: number): string[] {
  const events: string[] = []
  for (const { version, name, before, after } of model.changes) {
    if (version <= from) continue
    const was = before !== undefined && selector.matches(name, before)
    const is = after !== undefined && selector.matches(name, after)
    if (is) events.push(`${was ? 'MODIFIED' : 'ADDED'} ${expected(name, after)}`)
    else if (was) events.push(`DELETED ${expected(name, before, version)}`)
  }
  return events
}

function byKey([left]: readonly [string, ...unknown[]], [right]: readonly [string, ...unknown[]]): number {
  return left < right ? -1 : 1
}
