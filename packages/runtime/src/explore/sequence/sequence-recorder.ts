import { createMergePatch, type Json, type KubeObject, type Resource, yaml } from '@locktender/kube'
import { TEST_API } from '../plan-file.ts'
import { isAlwaysThere } from './always-there.ts'
import { durationText } from './duration.ts'

/** A change of an object, as a watch tells it. */
export interface RecordedEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  /** When it was heard of, in milliseconds since the epoch. */
  readonly atMs: number
}

export interface RecorderOptions {
  readonly name: string
  /** Also what was written to `status`, which controllers do. @default false */
  readonly status?: boolean
}

/** Shorter pauses are taken for none. */
const SHORTEST_PAUSE_MS = 1000

/** What servers and controllers write by themselves. */
const NOT_RECORDED = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'generation',
  'selfLink',
  'ownerReferences',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]

/** Makes an event sequence of what a watch tells: objects at first, then their changes with the time between them. */
export class SequenceRecorder {
  readonly #options: RecorderOptions
  readonly #objects = new Map<string, Record<string, Json>>()
  readonly #initial: object[] = []
  readonly #steps: object[] = []
  #lastMs: number | undefined

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Changes recorded so far. */
  get steps(): number {
    return this.#steps.length
  }

  /** Objects that are there at the beginning. */
  start(resource: Resource, objects: readonly KubeObject[], atMs: number): void {
    this.#lastMs ??= atMs
    for (const given of objects) {
      const object = withKind(resource, given)
      if (isAlwaysThere(object)) continue
      const kept = this.#kept(object)
      this.#objects.set(idOf(object), kept)
      this.#initial.push(kept)
    }
  }

  add(resource: Resource, { type, object: given, atMs }: RecordedEvent): void {
    const object = withKind(resource, given)
    if (isAlwaysThere(object)) return
    const id = idOf(object)
    const known = this.#objects.get(id)
    const kept = this.#kept(object)
    if (type === 'DELETED') {
      if (known === undefined) return
      this.#objects.delete(id)
      this.#step(atMs, { delete: named(kept) })
      return
    }
    this.#objects.set(id, kept)
    if (known === undefined) {
      this.#step(atMs, { create: kept })
      return
    }
    const [{ status: before = null, ...was }, { status: after = null, ...is }] = [known, kept]
    const to = createMergePatch(was, is)
    if (Object.keys(to as object).length > 0) this.#step(atMs, { change: named(kept), to })
    const status = createMergePatch({ status: before }, { status: after })
    if (Object.keys(status as object).length > 0) {
      this.#step(atMs, { change: named(kept), to: status, subresource: 'status' })
    }
  }

  /** The sequence as YAML. */
  text(): string {
    const document = {
      apiVersion: TEST_API,
      kind: 'EventSequence',
      metadata: { name: this.#options.name },
      clusters: { main: { objects: this.#initial } },
      steps: this.#steps,
    }
    return yaml().stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
  }

  #step(atMs: number, step: object): void {
    const pauseMs = atMs - (this.#lastMs ?? atMs)
    this.#lastMs = atMs
    if (pauseMs >= SHORTEST_PAUSE_MS) this.#steps.push({ advance: durationText(Math.round(pauseMs / 1000) * 1000) })
    this.#steps.push(step)
  }

  #kept(object: KubeObject): Record<string, Json> {
    const { metadata, status, ...rest } = object as unknown as Record<string, Json>
    const names = Object.entries(metadata as Record<string, Json>).filter(([name]) => !NOT_RECORDED.includes(name))
    return {
      ...rest,
      metadata: Object.fromEntries(names),
      ...(this.#options.status === true && status !== undefined && { status }),
    }
  }
}

/** Items of lists do not always say what they are. */
function withKind({ group, version, kind }: Resource, object: KubeObject): KubeObject {
  return { ...object, apiVersion: group === '' ? version : `${group}/${version}`, kind }
}

function idOf({ apiVersion, kind, metadata }: KubeObject): string {
  return [apiVersion, kind, metadata.namespace ?? '', metadata.name].join(' ')
}

function named({ apiVersion, kind, metadata }: Record<string, Json>): object {
  const { name, namespace } = metadata as { name: string; namespace?: string }
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) }
}
