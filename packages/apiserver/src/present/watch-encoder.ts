import { apiVersionOf } from '@locktender/kube'
import type { Status, WatchEventType } from '@locktender/kube'
import type { Database, Stored } from '../database.ts'
import { encodeJson } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { partialMetadata } from './partial-metadata.ts'
import { frame } from './represent.ts'
import type { Presentation } from './represent.ts'
import type { StoreEvent } from '../store/store-types.ts'
import { tableOfOne } from './table.ts'

/** Marks the bookmark after which a client has seen the whole initial state. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

/** Lines of events by type and representation: a change is encoded once however many watch it. */
const encodedEvents = new WeakMap<StoreEvent, Map<string, Uint8Array>>()
/** Last states of deleted objects. */
const deletedStates = new WeakMap<StoreEvent, Stored>()

/** Makes the lines of one watch. */
export class WatchEncoder {
  readonly #database: Database
  readonly #presentation: Presentation
  /** What a line is filed under, by the type of its event. Made once, as they are looked up for each watch and event. */
  readonly #forms: Readonly<Record<WatchEventType, string>>
  #toldColumns = false

  constructor(database: Database, presentation: Presentation) {
    this.#database = database
    this.#presentation = presentation
    const form = `${presentation.representation} ${apiVersionOf(presentation.served.resource)}`
    const of = (type: WatchEventType): string => `${type} ${form}`
    this.#forms = {
      ADDED: of('ADDED'),
      MODIFIED: of('MODIFIED'),
      DELETED: of('DELETED'),
      BOOKMARK: of('BOOKMARK'),
      ERROR: of('ERROR'),
    }
  }

  /** The object after the event; its last state, at the revision of the event, when it is gone. */
  stateOf(event: StoreEvent): Stored {
    if (event.value !== undefined) return { key: event.key, value: event.value, revision: event.revision }
    let state = deletedStates.get(event)
    if (state === undefined) {
      state = this.#database.lastState(event)
      deletedStates.set(event, state)
    }
    return state
  }

  /** All states an event may show, before and after it. */
  statesOf(event: StoreEvent): Stored[] {
    const { previous, value } = event
    if (previous === undefined) return [this.stateOf(event)]
    return value === undefined
      ? [previous, this.stateOf(event)]
      : [previous, this.stateOf(event), this.#database.lastState(event)]
  }

  event(type: WatchEventType, event: StoreEvent): Uint8Array {
    // Cells tell ages, and the first table of a watch has columns: tables are made for each watch.
    if (this.#presentation.representation === 'table') return this.state(type, this.#shown(type, event))
    let lines = encodedEvents.get(event)
    if (lines === undefined) {
      lines = new Map()
      encodedEvents.set(event, lines)
    }
    const form = this.#forms[type]
    let line = lines.get(form)
    if (line === undefined) {
      line = this.state(type, this.#shown(type, event))
      lines.set(form, line)
    }
    return line
  }

  /** Who leaves a selection is shown as it last matched, at the revision at which it left. */
  #shown(type: WatchEventType, event: StoreEvent): Stored {
    return type === 'DELETED' && event.value !== undefined ? this.#database.lastState(event) : this.stateOf(event)
  }

  state(type: WatchEventType, stored: Stored): Uint8Array {
    const { served, representation } = this.#presentation
    if (representation === 'object') return frame(type, this.#database.bytesAs(served, stored))
    return frame(type, this.#encode(this.#database.objectAs(served, stored)))
  }

  bookmark(revision: number, endsInitialEvents: boolean): Uint8Array {
    const { served, representation } = this.#presentation
    const metadata = {
      resourceVersion: String(revision),
      ...(endsInitialEvents ? { annotations: { [INITIAL_EVENTS_END]: 'true' } } : {}),
    }
    const { kind } = served.resource
    const object = { kind, apiVersion: apiVersionOf(served.resource), metadata }
    return frame(
      'BOOKMARK',
      representation === 'object' ? encodeJson(object) : this.#encode(object as unknown as AnyObject),
    )
  }

  error(status: Status): Uint8Array {
    return frame('ERROR', encodeJson(status))
  }

  #encode(object: AnyObject): Uint8Array {
    if (this.#presentation.representation !== 'table')
      return encodeJson(partialMetadata(object, this.#presentation.metaVersion))
    const { resourceVersion } = object.metadata
    const nowMs = this.#database.clock.now()
    const table = tableOfOne(object, { resourceVersion }, { ...this.#presentation, nowMs }, !this.#toldColumns)
    this.#toldColumns = true
    return encodeJson(table)
  }
}
