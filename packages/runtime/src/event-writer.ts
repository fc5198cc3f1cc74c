import { apiVersionOf, ApiError, errorText, isNotFound, microTimestamp, sleep, timestamp } from '@locktender/kube'
import type { Client, Clock, KubeObject, Resource } from '@locktender/kube'
import type { Controller } from './controller.ts'
import { declaredEvents, eventReference } from './declared-events.ts'
import { UndeclaredAccessError } from './errors.ts'
import { eventName } from './events.ts'
import type { EventNote, EventRecorder, EventSubject } from './events.ts'
import type { Logger } from './logger.ts'
import { TokenBucket } from './token-bucket.ts'

export interface EventWriterOptions {
  readonly controller: Controller
  /** For writing events, by the controller's names of API servers. */
  readonly clusters: Readonly<Record<string, Client>>
  /** Names this process. */
  readonly instance: string
  readonly clock: Clock
  readonly log: Logger
  /** Ends what waits. */
  readonly signal: AbortSignal
}

/** Figures of client-go's correlator. */
const SIMILAR_EVENTS = 10
const SIMILAR_WITHIN_MS = 600_000
const SPAM_BURST = 25
const SPAM_PER_SECOND = 1 / 300
const REMEMBERED = 4096
const TRIES = 12
const RETRY_MS = 10_000
/** A series of events.k8s.io is over when nothing of it happened for this long. */
const SERIES_END_MS = 360_000
/** A series that goes on is written this often. */
const SERIES_REFRESH_MS = 1_800_000
/** What waits to be written while a server is away; more is dropped. */
const QUEUE = 1000
const MESSAGE_BYTES = 1024

/** What is known of an event that was written. */
interface Told {
  readonly name: string
  readonly first: number
  count: number
  last: number
  /** When it was last written, and with which count. */
  writtenAt: number
  writtenCount: number
}

interface Similar {
  readonly messages: Set<string>
  last: number
}

interface Target {
  readonly client: Client
  readonly resource: Resource
  readonly namespace: string
}

/**
 * Writes events as client-go's recorders do: the same one again is counted on the event there is (a series in
 * events.k8s.io), the tenth that differs only in its message becomes one "combined from similar events", and an object
 * that is spoken of too often is not spoken of any more for a while. Written in order, in the background.
 */
export class EventWriter implements EventRecorder {
  readonly #options: EventWriterOptions
  readonly #told = new Map<string, Told>()
  readonly #similar = new Map<string, Similar>()
  readonly #spam = new Map<string, TokenBucket>()
  readonly #queue: (() => Promise<void>)[] = []
  #isWriting = false

  constructor(options: EventWriterOptions) {
    this.#options = options
  }

  record(cluster: string, subject: EventSubject, given: EventNote): void {
    const target = this.#target(cluster, subject)
    const note = { ...given, message: cut(given.message) }
    const about = subjectKey(cluster, subject)
    if (target.resource.group === '') this.#recordCore(target, subject, about, note)
    else this.#recordSeries(target, subject, about, note)
  }

  #target(cluster: string, subject: EventSubject): Target {
    const { controller, clusters } = this.#options
    const { resource, namespace } = declaredEvents(controller, cluster, subject)
    const client = clusters[cluster]
    if (client === undefined) throw new UndeclaredAccessError(controller.name, `uses the API server ${cluster}`)
    return { client, resource, namespace }
  }

  #recordCore(target: Target, subject: EventSubject, about: string, original: EventNote): void {
    const now = this.#options.clock.now()
    const kind = `${about} ${original.type} ${original.reason}`
    const isOneOfMany = this.#isOneOfMany(kind, original.message, now)
    const note = isOneOfMany
      ? { ...original, message: cut(`(combined from similar events): ${original.message}`) }
      : original
    const key = isOneOfMany ? kind : `${kind} ${note.message}`
    const told = this.#told.get(key)
    if (!this.#spamBucket(about, now).take(now)) return
    if (told === undefined) {
      const name = eventName(subject.metadata.name, now, note)
      const fresh: Told = { name, first: now, count: 1, last: now, writtenAt: now, writtenCount: 1 }
      remember(this.#told, key, fresh)
      this.#write(() => this.#create(target, this.#coreEvent(target, subject, note, fresh)))
      return
    }
    told.count++
    told.last = now
    const event = this.#coreEvent(target, subject, note, told)
    const patch = { count: told.count, lastTimestamp: timestamp(now), message: note.message }
    this.#write(() => this.#patchOrCreate(target, told.name, patch, event))
  }

  #recordSeries(target: Target, subject: EventSubject, about: string, note: EventNote): void {
    const now = this.#options.clock.now()
    const key = `${about} ${note.type} ${note.action ?? ''} ${note.reason}`
    const told = this.#told.get(key)
    if (told !== undefined && now - told.last < SERIES_END_MS) {
      told.count++
      told.last = now
      // What comes between is counted and written by the next of these, or when the series is over.
      if (told.count === 2 || now - told.writtenAt >= SERIES_REFRESH_MS) this.#writeSeries(target, subject, note, told)
      if (told.count === 2) this.#finishLater(key, target, subject, note, told)
      return
    }
    if (!this.#spamBucket(about, now).take(now)) return
    const fresh: Told = {
      name: eventName(subject.metadata.name, now, note),
      first: now,
      count: 1,
      last: now,
      writtenAt: now,
      writtenCount: 1,
    }
    remember(this.#told, key, fresh)
    this.#write(() => this.#create(target, this.#seriesEvent(target, subject, note, fresh)))
  }

  #writeSeries(target: Target, subject: EventSubject, note: EventNote, told: Told): void {
    told.writtenAt = this.#options.clock.now()
    told.writtenCount = told.count
    const event = this.#seriesEvent(target, subject, note, told)
    const patch = { series: { count: told.count, lastObservedTime: microTimestamp(told.last) } }
    this.#write(() => this.#patchOrCreate(target, told.name, patch, event))
  }

  #finishLater(key: string, target: Target, subject: EventSubject, note: EventNote, told: Told): void {
    const { clock, signal } = this.#options
    const look = (): void => {
      if (signal.aborted) return
      const due = told.last + SERIES_END_MS
      if (clock.now() < due) {
        clock.after(due - clock.now(), look)
        return
      }
      if (this.#told.get(key) === told) this.#told.delete(key)
      if (told.count > told.writtenCount) this.#writeSeries(target, subject, note, told)
    }
    clock.after(SERIES_END_MS, look)
  }

  #isOneOfMany(kind: string, message: string, now: number): boolean {
    let similar = this.#similar.get(kind)
    if (similar === undefined || now - similar.last > SIMILAR_WITHIN_MS) {
      similar = { messages: new Set(), last: now }
      remember(this.#similar, kind, similar)
    }
    similar.last = now
    similar.messages.add(message)
    if (similar.messages.size < SIMILAR_EVENTS) return false
    similar.messages.delete(message)
    return true
  }

  #spamBucket(about: string, now: number): TokenBucket {
    let bucket = this.#spam.get(about)
    if (bucket === undefined) {
      bucket = new TokenBucket(SPAM_PER_SECOND, SPAM_BURST, now)
      remember(this.#spam, about, bucket)
    }
    return bucket
  }

  #coreEvent(target: Target, subject: EventSubject, note: EventNote, told: Told): KubeObject {
    const { controller, instance } = this.#options
    const event = {
      apiVersion: apiVersionOf(target.resource),
      kind: 'Event',
      metadata: { name: told.name, namespace: target.namespace },
      involvedObject: eventReference(subject),
      type: note.type,
      reason: note.reason,
      message: note.message,
      ...(note.action !== undefined && { action: note.action }),
      source: { component: controller.name },
      reportingComponent: controller.name,
      reportingInstance: instance,
      count: told.count,
      firstTimestamp: timestamp(told.first),
      lastTimestamp: timestamp(told.last),
    }
    return event
  }

  #seriesEvent(target: Target, subject: EventSubject, note: EventNote, told: Told): KubeObject {
    const { controller, instance } = this.#options
    const event = {
      apiVersion: apiVersionOf(target.resource),
      kind: 'Event',
      metadata: { name: told.name, namespace: target.namespace },
      regarding: eventReference(subject),
      type: note.type,
      reason: note.reason,
      note: note.message,
      action: note.action ?? note.reason,
      reportingController: controller.name,
      reportingInstance: instance,
      eventTime: microTimestamp(told.first),
      ...(told.count > 1 && { series: { count: told.count, lastObservedTime: microTimestamp(told.last) } }),
    }
    return event
  }

  async #create({ client, resource }: Target, event: KubeObject): Promise<void> {
    await client.create(resource, event)
  }

  async #patchOrCreate(target: Target, name: string, patch: object, event: KubeObject): Promise<void> {
    const { client, resource, namespace } = target
    try {
      await client.report(resource, { name, namespace }, patch)
    } catch (error) {
      // Events are forgotten after an hour, this process may remember one for longer.
      if (!isNotFound(error)) throw error
      await client.create(resource, event)
    }
  }

  #write(write: () => Promise<void>): void {
    if (this.#queue.length >= QUEUE || this.#options.signal.aborted) return
    this.#queue.push(write)
    if (!this.#isWriting) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isWriting = true
    for (;;) {
      const write = this.#queue.shift()
      if (write === undefined) break
      await this.#patiently(write)
    }
    this.#isWriting = false
  }

  /** A refusal is final; without an answer the write is tried again, since an event that exists twice does no harm. */
  async #patiently(write: () => Promise<void>): Promise<void> {
    const { clock, log, signal } = this.#options
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await write()
        return
      } catch (error) {
        if (error instanceof ApiError || attempt === TRIES) {
          log.warn('Could not write an event', { error: errorText(error) })
          return
        }
      }
      await sleep(clock, RETRY_MS, signal).catch(() => {})
    }
  }
}

function subjectKey(cluster: string, { apiVersion, kind, metadata }: EventSubject): string {
  return JSON.stringify([cluster, apiVersion, kind, metadata.namespace ?? '', metadata.name, metadata.uid ?? ''])
}

/** Keeps the newest ones only. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > REMEMBERED) map.delete(map.keys().next().value!)
}

/** Kubernetes refuses notes of more than 1024 bytes. */
function cut(message: string): string {
  const bytes = Buffer.from(message)
  if (bytes.length <= MESSAGE_BYTES) return message
  return new TextDecoder().decode(bytes.subarray(0, MESSAGE_BYTES - 3), { stream: true }) + '...'
}
