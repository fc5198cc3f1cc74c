import { backoffDelay } from './backoff.ts'
import type { Client } from './client.ts'
import type { Clock } from './clock.ts'
import { sleep } from './clock.ts'
import { ApiError, ConnectionError, isExpired, isTooLargeResourceVersion } from './errors.ts'
import { encodeObject } from './object-cache.ts'
import type { EncodedObject, ObjectCache, ObjectChange } from './object-cache.ts'
import type { Random } from './random.ts'
import type { RawWatchEvent } from './raw-watch-event.ts'
import { nextReflectorState } from './reflector-states.ts'
import type { ReflectorEvent, ReflectorState } from './reflector-states.ts'
import type { KubeObject, Resource } from './types.ts'

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client
  readonly resource: Resource
  /** All namespaces when absent. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly clock: Clock
  /** Spreads waits and watch ends, so that many reflectors do not move in step. */
  readonly random: Random
  /** Takes from each object what the cache shall hold; must keep apiVersion, kind and metadata. */
  readonly keep?: (object: T) => T
  /**
   * How long a watch may give nothing, not even a bookmark, before it is taken for dead and renewed, in milliseconds.
   * @default without limit: a connection within a process cannot break unnoticed
   */
  readonly quietMs?: number
  /** Filled and kept current by this reflector alone. */
  readonly cache: ObjectCache<T>
  /** Called for each change, after the cache has it, in order. Must not throw. */
  readonly onEvent?: (change: ObjectChange<T>) => void
  /** Called once, when the first list is in the cache and its events are told. */
  readonly onSynced?: () => void
  /** Called for each failure that is retried, with the wait before the retry. */
  readonly onRetry?: (error: Error, delayMs: number) => void
}

/** Counts since the start of a reflector. */
export interface ReflectorStatistics {
  readonly lists: number
  readonly watches: number
  readonly events: number
  readonly bytes: number
  readonly failures: number
  /** Watches given up because they gave nothing for too long. */
  readonly silences: number
}

/** Bounds of the time after which the server is asked to end a watch, in seconds: reconnections spread by themselves. */
const MIN_WATCH_SECONDS = 300
const MAX_WATCH_SECONDS = 600
/** How much longer than that a silent connection is trusted. */
const WATCH_GRACE_MS = 30_000
/** A watch that ends sooner than this without an event is a failure: reconnecting at once could go on forever. */
const SHORT_WATCH_MS = 1000

/**
 * Keeps an {@link ObjectCache} equal to what a server has: lists in pages, watches from there, resumes after a broken
 * connection, lists again when the version is gone (telling deletions that were missed), and never gives up.
 */
export class Reflector<T extends KubeObject = KubeObject> {
  /** Resolves when the cache is filled for the first time; rejects when stopped before that. */
  readonly synced: Promise<void>
  readonly #options: ReflectorOptions<T>
  readonly #synced: PromiseWithResolvers<void>
  #state: ReflectorState = 'Listing'
  #isSynced = false
  /** Where a watch can go on; undefined when everything must be listed. */
  #resourceVersion: string | undefined
  /** Failures since the last progress. */
  #attempts = 0
  #lastError: Error | undefined
  #heardAt: number | undefined
  readonly #counts = { lists: 0, watches: 0, events: 0, bytes: 0, failures: 0, silences: 0 }

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.#synced = Promise.withResolvers<void>()
    this.synced = this.#synced.promise
    // Who never asks whether it synced must not be punished with an unhandled rejection.
    this.synced.catch(() => {})
  }

  get state(): ReflectorState {
    return this.#state
  }

  get hasSynced(): boolean {
    return this.#isSynced
  }

  /** The newest version seen, from an event, a bookmark or a list. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion
  }

  /** When the server last said anything (a list, an event, a bookmark), in milliseconds since the epoch. */
  get heardAt(): number | undefined {
    return this.#heardAt
  }

  get statistics(): ReflectorStatistics {
    return { ...this.#counts }
  }

  /**
   * Works until `signal` aborts, then resolves. Rejects only when a callback throws. To be called once.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (this.#state !== 'Stopped') {
        const event = signal.aborted ? 'stop' : await this.#step(signal)
        this.#state = nextReflectorState(this.#state, signal.aborted ? 'stop' : event)
      }
    } finally {
      this.#state = 'Stopped'
      if (!this.#isSynced) this.#synced.reject(new Error(`stopped before ${this.#options.resource.plural} were listed`))
    }
  }

  async #step(signal: AbortSignal): Promise<ReflectorEvent> {
    switch (this.#state) {
      case 'Listing':
        return this.#list(signal)
      case 'Watching':
        return this.#watch(signal)
      case 'Backoff':
        return this.#wait(signal)
      default:
        return 'stop'
    }
  }

  async #list(signal: AbortSignal): Promise<ReflectorEvent> {
    const { client, resource, cache, keep } = this.#options
    this.#counts.lists++
    let encoded: EncodedObject[] = []
    let version = ''
    try {
      for await (const { list, restarted } of client.listPages<T>(resource, this.#selection())) {
        if (signal.aborted) return 'stop'
        if (restarted) encoded = []
        version = list.metadata.resourceVersion
        for (const item of list.items) encoded.push(encodeObject(keep === undefined ? item : keep(item)))
        this.#heardAt = this.#options.clock.now()
      }
    } catch (error) {
      return this.#failed(error)
    }
    for (const { bytes } of encoded) this.#counts.bytes += bytes.length
    this.#resourceVersion = version
    this.#tell(cache.replace(encoded))
    if (!this.#isSynced) {
      this.#isSynced = true
      this.#options.onSynced?.()
      this.#synced.resolve()
    }
    return 'listed'
  }

  async #watch(signal: AbortSignal): Promise<ReflectorEvent> {
    const { client, resource, clock, random } = this.#options
    this.#counts.watches++
    const timeoutSeconds = Math.round(MIN_WATCH_SECONDS + random.next() * (MAX_WATCH_SECONDS - MIN_WATCH_SECONDS))
    const connection = new AbortController()
    const stop = () => connection.abort()
    signal.addEventListener('abort', stop, { once: true })
    const started = clock.now()
    const cancelTimer = this.#endWhenSilent(started, timeoutSeconds * 1000 + WATCH_GRACE_MS, stop)
    let progressed = false
    let broken: { error: unknown } | undefined
    const events = client.watch(resource, {
      ...this.#selection(),
      resourceVersion: this.#resourceVersion,
      timeoutSeconds,
      signal: connection.signal,
    })
    try {
      for (;;) {
        let next: IteratorResult<RawWatchEvent>
        try {
          next = await events.next()
          if (next.done !== true) next.value.object()
        } catch (error) {
          broken = { error }
          break
        }
        if (next.done === true || signal.aborted) break
        progressed = true
        this.#attempts = 0
        this.#take(next.value)
      }
    } finally {
      cancelTimer()
      signal.removeEventListener('abort', stop)
      await events.return(undefined).catch(() => {})
    }
    if (broken !== undefined) return this.#failed(broken.error)
    if (!progressed && clock.now() - started < SHORT_WATCH_MS) {
      return this.#failed(new ConnectionError(`the watch of ${resource.plural} ended at once`))
    }
    this.#attempts = 0
    return 'ended'
  }

  /** Calls `stop` after `longestMs`, or once nothing was heard for as long as a watch may be quiet. */
  #endWhenSilent(started: number, longestMs: number, stop: () => void): () => void {
    const { clock, quietMs = Infinity } = this.#options
    const end = started + longestMs
    let cancel: () => void
    const look = (): void => {
      const now = clock.now()
      const silentAt = Math.max(this.#heardAt ?? started, started) + quietMs
      if (now < end && now < silentAt) {
        cancel = clock.after(Math.min(end, silentAt) - now, look)
        return
      }
      if (now < end) this.#counts.silences++
      stop()
    }
    cancel = clock.after(Math.min(longestMs, quietMs), look)
    return () => cancel()
  }

  #take(event: RawWatchEvent): void {
    const { cache, clock, keep } = this.#options
    this.#counts.events++
    this.#counts.bytes += event.bytes.length
    this.#heardAt = clock.now()
    if (event.type !== 'BOOKMARK') {
      const kept = keep === undefined ? event : encodeObject(keep(event.object<T>()))
      this.#tell(event.type === 'DELETED' ? cache.delete(event.key, kept) : cache.set(kept))
    }
    // Only now: an event that was not taken must come again.
    if (event.resourceVersion !== '') this.#resourceVersion = event.resourceVersion
  }

  #tell(changes: readonly ObjectChange<T>[]): void {
    const { onEvent } = this.#options
    if (onEvent === undefined) return
    for (const change of changes) onEvent(change)
  }

  #failed(error: unknown): ReflectorEvent {
    this.#counts.failures++
    this.#lastError = error instanceof Error ? error : new Error(String(error))
    // A server that has not reached our version may have been restored from an older copy: only a list tells.
    if (isExpired(error) || isTooLargeResourceVersion(error)) this.#resourceVersion = undefined
    return 'failed'
  }

  async #wait(signal: AbortSignal): Promise<ReflectorEvent> {
    const { clock, random, onRetry } = this.#options
    const error = this.#lastError!
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
    const delayMs = Math.max(asked, backoffDelay(this.#attempts++, random))
    onRetry?.(error, delayMs)
    try {
      await sleep(clock, delayMs, signal)
    } catch {
      return 'stop'
    }
    return this.#resourceVersion === undefined ? 'relist' : 'resume'
  }

  #selection(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    }
  }
}
