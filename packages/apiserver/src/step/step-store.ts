import { hash52, seededRandom } from '@locktender/kube'
import type { Clock, Random } from '@locktender/kube'
import type { RangeOptions, RangeResult } from '../store/store-state.ts'
import type { KeyValueStore } from '../store/store.ts'
import { CompactedError, RevisionMismatch } from '../store/store-types.ts'
import type { StoreEvent } from '../store/store-types.ts'
import { isInScope } from '../store/watch-registry.ts'
import type { StoreListener, WatchScope } from '../store/watch-registry.ts'
import { creationNumber } from './answer-memo.ts'
import type { Question } from './answer-memo.ts'
import {
  emptyState,
  rangeOf,
  revisionOf,
  valueAt,
  valuesBelow,
  withChange,
  writesBefore,
  writesOf,
} from './server-state.ts'
import type { Change, HeldValue, ServerState } from './server-state.ts'

/** Revisions of definitions written after the beginning: what was stored before counts as older than its schema. */
const LATE_CONFIGURATION = 9e15

/** Of every list: newer than anything in it, and the same whatever else is written, as answers must not depend on that. */
const NEWEST = 9.007e15

/** A request under way, and what it has asked and done so far. */
interface Work {
  readonly before: ServerState
  readonly nowMs: number
  readonly origin: Origin
  readonly questions: Question[]
  readonly changes: Change[]
  random: Random | undefined
}

/** What is known of a request before it is answered. */
export interface Origin {
  /** Uids and generated names come from this text and the state. */
  readonly seed: string
  /** Prefix of the keys of the resource it is about. */
  readonly shelf: string
  /** Whether the server shall find a name. */
  readonly generated: boolean
  /** Whether the answer may depend on the time. */
  readonly timed: boolean
}

/** What a request came to. */
export interface Outcome {
  readonly questions: readonly Question[]
  readonly changes: readonly Change[]
}

/**
 * A store whose whole content is one value that can be looked at and put back. It notes what each request reads, and
 * is at the same time the clock and the chance that the server has, so that an answer depends on nothing else.
 */
export class StepStore implements KeyValueStore, Clock, Random {
  #state = emptyState
  #work: Work | undefined
  #sealed = false
  readonly #watches = new Set<{ readonly scope: WatchScope; readonly listener: StoreListener }>()
  /** Every value there ever was, by key and revision, so that equal ones are the same. */
  readonly #held = new Map<string, HeldValue>()

  /** The present state. */
  get state(): ServerState {
    return this.#state
  }

  /** What is written from here on is no longer part of the beginning. */
  seal(): void {
    this.#sealed = true
  }

  /** Puts a state in place and notes what is read and written until {@link end}. */
  begin(state: ServerState, nowMs: number, origin: Origin): void {
    if (this.#work !== undefined) throw new Error('a request is under way')
    this.#restore(state)
    const questions: Question[] = [{ about: 'configuration' }]
    this.#work = { before: state, nowMs, origin, questions, changes: [], random: undefined }
  }

  /** Whether the request under way has written something. */
  get hasWritten(): boolean {
    return this.#work !== undefined && this.#work.changes.length > 0
  }

  end(): Outcome {
    const { questions, changes } = this.#work!
    this.#work = undefined
    return { questions, changes }
  }

  /** Whether the server itself works by what is under `key`: something of it has a watch there. */
  configures(key: string): boolean {
    for (const { scope } of this.#watches) if (isInScope(key, scope)) return true
    return false
  }

  /** Takes over a state; whoever watches hears of the difference. */
  #restore(state: ServerState): void {
    const before = this.#state
    this.#state = state
    if (before.configuration === state.configuration) return
    for (const { scope, listener } of this.#watches) {
      const events = differences(before, state, 'key' in scope ? scope.key : scope.prefix)
      if (events.length > 0) listener(events)
    }
  }

  get revision(): number {
    return NEWEST
  }

  get writtenRevision(): number {
    return this.revision
  }

  get compactedRevision(): number {
    return this.revision
  }

  get stopped(): boolean {
    return false
  }

  get failure(): Promise<never> {
    return new Promise(() => {})
  }

  get(key: string): HeldValue | undefined {
    if (!this.configures(key)) this.#work?.questions.push({ about: 'object', key })
    return valueAt(this.#state, key)
  }

  range(prefix: string, options: RangeOptions = {}): RangeResult {
    const { at, ...rest } = options
    if (at !== undefined && at < this.revision) throw new CompactedError(at, this.revision)
    if (!this.configures(prefix)) this.#work?.questions.push({ about: 'range', prefix, options: rest })
    return rangeOf(this.#state, prefix, rest)
  }

  write(key: string, expectedRevision: number, encode: (revision: number) => Uint8Array | undefined): Promise<number> {
    try {
      return Promise.resolve(this.#write(key, expectedRevision, encode))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #write(key: string, expected: number, encode: (revision: number) => Uint8Array | undefined): number {
    const before = valueAt(this.#state, key)
    const actual = before?.revision ?? 0
    if (actual !== expected) throw new RevisionMismatch(key, expected, actual)
    const configures = this.configures(key)
    const writes = (before === undefined ? writesBefore(this.#state, key) : writesOf(before.revision)) + 1
    // The revision is in the encoded object, so what it is made of is encoded with another one.
    const draft = encode(0)
    const content = draft === undefined ? '' : text(draft)
    const revision = configures
      ? this.#state.writes + 1 + (this.#sealed ? LATE_CONFIGURATION : 0)
      : revisionOf(writes, content)
    const after = draft === undefined ? undefined : this.#hold(key, encode(revision)!, revision, before)
    const change: Change = { key, before, after }
    this.#state = withChange(this.#state, change, configures)
    this.#work?.changes.push(change)
    const event = eventOf(change, revision)
    for (const { scope, listener } of this.#watches) if (isInScope(key, scope)) listener([event])
    return revision
  }

  #hold(key: string, value: Uint8Array, revision: number, before: HeldValue | undefined): HeldValue {
    const id = `${revision} ${key}`
    const known = this.#held.get(id)
    if (known !== undefined) return known
    const held = { key, value, revision, createRevision: before?.createRevision ?? revision, hash: hash52(id) }
    this.#held.set(id, held)
    return held
  }

  settled(): Promise<void> {
    return Promise.resolve()
  }

  /** Only what the server itself works by is watched; nobody asks for the past. */
  watch(prefix: string, _afterRevision: number, listener: StoreListener): () => void {
    return this.#watch({ prefix }, listener)
  }

  watchKey(key: string, _afterRevision: number, listener: StoreListener): () => void {
    return this.#watch({ key }, listener)
  }

  #watch(scope: WatchScope, listener: StoreListener): () => void {
    const watch = { scope, listener }
    this.#watches.add(watch)
    return () => this.#watches.delete(watch)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  now(): number {
    const work = this.#work
    if (work === undefined) return 0
    if (work.origin.timed) work.questions.push({ about: 'time' })
    return work.nowMs
  }

  /** No request waits for time to pass. */
  after(): () => void {
    return () => {}
  }

  hold(): () => void {
    return () => {}
  }

  next(): number {
    const work = this.#work
    if (work === undefined) return 0
    if (work.random === undefined) {
      const { seed, shelf, generated } = work.origin
      work.questions.push({ about: 'creations', shelf, generated })
      work.random = seededRandom(hash52(`${creationNumber(work.before, shelf, generated)} ${seed}`))
    }
    return work.random.next()
  }
}

function eventOf({ key, before, after }: Change, revision: number): StoreEvent {
  return {
    revision,
    key,
    createRevision: (after ?? before)!.createRevision,
    time: 0,
    ...(before === undefined ? {} : { previous: before }),
    ...(after === undefined ? {} : { value: after.value }),
  }
}

/** What a watch of `scope` must hear to know the second state instead of the first. */
function differences(from: ServerState, to: ServerState, scope: string): StoreEvent[] {
  const old = new Map(valuesBelow(from, scope).map((value) => [value.key, value]))
  const events: StoreEvent[] = []
  for (const after of valuesBelow(to, scope)) {
    const before = old.get(after.key)
    old.delete(after.key)
    if (before !== after) events.push(eventOf({ key: after.key, before, after }, after.revision))
  }
  for (const before of old.values())
    events.push(eventOf({ key: before.key, before, after: undefined }, before.revision))
  return events
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
