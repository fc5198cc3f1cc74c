import type { Cancel, Clock, KubeObject } from '@locktender/kube'
import type { KeyValueStore } from '../store/store.ts'
import { RevisionMismatch } from '../store/store-types.ts'
import type { ObjectRef } from './object-writer.ts'

/** How long an Event stays after its last write: the default of kube-apiserver's --event-ttl, one hour. */
const eventTtlMs = 60 * 60 * 1000

interface EventObject extends KubeObject {
  lastTimestamp?: string | null
  eventTime?: string | null
  series?: { lastObservedTime?: string } | null
}

interface Expiry {
  readonly revision: number
  readonly due: number
}

/** Removes Events an hour after they were last written. */
export class EventExpiry {
  readonly #clock: Clock
  readonly #store: KeyValueStore
  /** In the order they are due: every write of an event moves it to the end. */
  #expiries = new Map<string, Expiry>()
  #timer: Cancel | undefined

  constructor(options: { readonly clock: Clock; readonly store: KeyValueStore }) {
    this.#clock = options.clock
    this.#store = options.store
  }

  stop(): void {
    this.#timer?.()
    this.#expiries.clear()
  }

  /** Takes in an Event that was there before; its age is read from its times. Call {@link start} after the last one. */
  restore(key: string, revision: number, object: EventObject): void {
    const { creationTimestamp } = object.metadata
    const times = [creationTimestamp, object.lastTimestamp, object.eventTime, object.series?.lastObservedTime]
      .map((time) => Date.parse(time ?? ''))
      .filter((time) => !Number.isNaN(time))
    // Times come from clients: one from the future must not keep the event longer than a fresh one.
    const written = times.length === 0 ? this.#clock.now() : Math.min(Math.max(...times), this.#clock.now())
    this.#expiries.set(key, { revision, due: written + eventTtlMs })
  }

  start(): void {
    this.#expiries = new Map([...this.#expiries].sort(([, left], [, right]) => left.due - right.due))
    this.#schedule()
  }

  /** Takes in a write of an Event; `exists` is false for its deletion. */
  observe(key: string, ref: ObjectRef, revision: number, exists: boolean): void {
    if (!isEvent(ref)) return
    this.#expiries.delete(key)
    if (exists) this.#expiries.set(key, { revision, due: this.#clock.now() + eventTtlMs })
    if (this.#timer === undefined) this.#schedule()
  }

  #schedule(): void {
    this.#timer = undefined
    const [first] = this.#expiries.values()
    if (first === undefined) return
    this.#timer = this.#clock.after(first.due - this.#clock.now(), () => {
      this.#expireDue()
      this.#schedule()
    })
  }

  #expireDue(): void {
    const now = this.#clock.now()
    for (const [key, { revision, due }] of this.#expiries) {
      if (due > now) return
      this.#expiries.delete(key)
      this.#store
        .write(key, revision, () => undefined)
        .catch((error: unknown) => {
          // Written again meanwhile: then it is due later. A store that has stopped has said so to its writers.
          if (error instanceof RevisionMismatch || this.#store.stopped) return
          throw error
        })
    }
  }
}

/** Whether the object is an Event; both groups that serve events keep them in one place. */
function isEvent(ref: ObjectRef): boolean {
  return ref.plural === 'events' && (ref.group === '' || ref.group === 'events.k8s.io')
}
