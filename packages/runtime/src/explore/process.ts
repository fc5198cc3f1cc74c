import {
  Client,
  ConnectionError,
  seededRandom,
  hash52,
  type Clock,
  type ObjectCache,
  type KubeObject,
  type Resource,
  type Random,
  type TransportRequest,
  type TransportResponse,
} from '@locktender/kube'
import type { ClusterView, Controller, Scope, Watch, World } from '../controller.ts'
import { UndeclaredAccessError } from '../errors.ts'
import { declaredEvents } from '../declared-events.ts'
import { guardedClient, guardedFetch } from '../guard.ts'
import { silentLogger } from '../logger.ts'
import { noMetrics } from '../metrics.ts'
import type { OutsideAnswer, OutsideRequest } from '../outside.ts'
import { isScope } from '../sources.ts'
import { Informer } from './informer.ts'
import { KeyQueue } from './key-queue.ts'
import type { PreparedServer } from './prepared-server.ts'
import type { Timers } from './timers.ts'

/** Something a reconcile has asked for and waits for. */
export type Operation =
  | Request
  | {
      readonly url: string
      readonly slot: Slot
      readonly sequence: number
      resolve(answer: OutsideAnswer): void
      reject(error: Error): void
      late: boolean
    }

/** One that an API server is asked for. */
export interface Request {
  readonly to: string
  readonly server: PreparedServer
  readonly request: TransportRequest
  readonly slot: Slot
  readonly sequence: number
  resolve(response: TransportResponse): void
  reject(error: Error): void
  /** Answered only when nothing else is left to do. */
  late: boolean
}

/** A worker of a controller: it reconciles one key at a time. */
export interface Slot {
  readonly process: Process
  readonly controller: Controller
  readonly queue: KeyQueue
  readonly world: World
  /** What it reconciles; undefined while it is free. */
  key: string | undefined
  /** When it began, in the order of all beginnings. */
  began: number
  /** Requests and timers it waits for. */
  waiting: number
  /** Everything this reconcile has been told so far. */
  readonly told: (number | string | Uint8Array)[]
}

/** What processes need of the schedule they are part of. */
export interface ProcessHost {
  readonly servers: ReadonlyMap<string, PreparedServer>
  readonly timers: Timers
  readonly sequence: () => number
  ask(operation: Operation): void
  /** A key mapping or a controller's construction threw. */
  broke(what: string, error: unknown): void
}

/**
 * One process under the explorer: its controllers with their caches, queues and workers. A crash takes all of it away;
 * what was under way is never heard of again.
 */
export class Process {
  readonly name: string
  /** Nothing unusual happens to it. */
  readonly steady: boolean
  readonly #make: () => readonly Controller[]
  readonly #host: ProcessHost
  slots: Slot[] = []
  informers: Informer[] = []
  /** Grows with each start; what an earlier life began counts no more. */
  life = 0
  /** Everything its reconciles have been told since it started. */
  told: (number | string | Uint8Array)[] = []
  /** Keys each controller has ever reconciled, over all lives. */
  readonly reconciled = new Map<string, Set<string>>()

  constructor(name: string, make: () => readonly Controller[], steady: boolean, host: ProcessHost) {
    this.name = name
    this.#make = make
    this.steady = steady
    this.#host = host
  }

  /** Ends everything at once. */
  crash(): void {
    this.life++
    this.slots = []
    this.informers = []
    this.told = []
  }

  /** Makes the controllers and their empty caches; the caller fills these and adds the keys that are always there. */
  start(): void {
    this.life++
    const informers = new Map<string, Informer>()
    const slots: Slot[] = []
    let controllers: readonly Controller[] = []
    try {
      controllers = this.#make()
    } catch (error) {
      this.#host.broke(`the controllers of ${this.name} cannot be made`, error)
    }
    const united = unitedFields(controllers, this.#host.servers)
    for (const controller of controllers) {
      const queue = this.#queue()
      const own = new Map<Watch, Informer>()
      for (const watch of controller.reads) {
        const server = this.#host.servers.get(watch.cluster)
        if (server === undefined) {
          throw new UndeclaredAccessError(controller.name, `uses the API server ${watch.cluster}`)
        }
        const id = informerId(watch, server)
        let informer = informers.get(id)
        if (informer === undefined) informers.set(id, (informer = new Informer(watch, server, united.get(id))))
        own.set(watch, informer)
        informer.listeners.push((event, initial) => {
          try {
            for (const key of watch.keys(event)) queue.add(key, initial)
          } catch (error) {
            const what = `${controller.name} cannot say which keys a change of ${watch.resource.plural} concerns`
            this.#host.broke(what, error)
          }
        })
      }
      const seen = this.reconciled.get(controller.name) ?? new Set()
      this.reconciled.set(controller.name, seen)
      for (let worker = 0; worker < (controller.concurrency ?? 1); worker++) {
        slots.push(this.#slot(controller, queue, own))
      }
    }
    this.slots = slots
    this.informers = [...informers.values()]
  }

  #queue(): KeyQueue {
    const { timers, sequence } = this.#host
    const { life } = this
    const after = (delayMs: number, callback: () => void) =>
      timers.after(delayMs, () => {
        if (this.life === life) callback()
      })
    return new KeyQueue(() => timers.now(), after, sequence)
  }

  #slot(controller: Controller, queue: KeyQueue, informers: ReadonlyMap<Watch, Informer>): Slot {
    const slot: Slot = {
      process: this,
      controller,
      queue,
      key: undefined,
      began: 0,
      waiting: 0,
      told: [],
      world: undefined as unknown as World,
    }
    return Object.assign(slot, { world: this.#world(slot, informers) })
  }

  #world(slot: Slot, informers: ReadonlyMap<Watch, Informer>): World {
    const { controller } = slot
    const views = new Map<string, ClusterView>()
    return {
      clock: this.#clock(slot),
      random: lazyRandom(`${this.name} ${controller.name}`),
      log: silentLogger,
      metrics: noMetrics,
      // What is only told to people changes nothing for anybody; that it is declared is checked all the same.
      events: { record: (cluster, subject) => void declaredEvents(controller, cluster, subject) },
      fetch: guardedFetch(controller, (request) => this.#fetch(slot, request)),
      cluster: (name) => {
        let view = views.get(name)
        if (view === undefined) {
          const server = this.#host.servers.get(name)
          if (server === undefined) throw new UndeclaredAccessError(controller.name, `uses the API server ${name}`)
          const client = guardedClient(controller, name, this.#client(slot, name, server))
          const caches = new Map<Resource, ObjectCache>()
          view = {
            client,
            cache: <T extends KubeObject>(resource: Resource, scope?: Scope) => {
              if (scope !== undefined) return cacheOf<T>(controller, informers, name, resource, scope)
              let cache = caches.get(resource)
              if (cache === undefined) caches.set(resource, (cache = cacheOf(controller, informers, name, resource)))
              return cache as unknown as ObjectCache<T>
            },
          }
          views.set(name, view)
        }
        return view
      },
    }
  }

  #client(slot: Slot, to: string, server: PreparedServer): Client {
    const { life } = this
    const request = (request: TransportRequest) =>
      new Promise<TransportResponse>((resolve, reject) => {
        if (this.life !== life) return
        const sequence = this.#host.sequence()
        this.#host.ask({ to, server, request, slot, sequence, resolve, reject, late: false })
      })
    const transport = { request, close: () => Promise.resolve() }
    return new Client({ transport, userAgent: slot.controller.name, fieldManager: slot.controller.name })
  }

  #fetch(slot: Slot, { url }: OutsideRequest): Promise<OutsideAnswer> {
    const { life } = this
    return new Promise((resolve, reject) => {
      if (this.life !== life) return
      this.#host.ask({ url, slot, sequence: this.#host.sequence(), resolve, reject, late: false })
    })
  }

  /** The clock as a controller has it: what it waits for ends with its process. */
  #clock(slot: Slot): Clock {
    const { timers } = this.#host
    const { life } = this
    return {
      now: () => timers.now(),
      hold: () => () => {},
      after: (delayMs, callback) => {
        slot.waiting++
        let over = false
        const end = () => {
          if (!over) slot.waiting--
          over = true
        }
        const cancel = timers.after(delayMs, () => {
          if (this.life !== life) return
          end()
          callback()
        })
        return () => {
          end()
          cancel()
        }
      },
    }
  }
}

function cacheOf<T extends KubeObject>(
  controller: Controller,
  informers: ReadonlyMap<Watch, Informer>,
  cluster: string,
  { group, plural }: Resource,
  scope?: Scope,
): ObjectCache<T> {
  let found: Informer | undefined
  for (const [watch, informer] of informers) {
    if (watch.resource.plural !== plural || watch.resource.group !== group || watch.cluster !== cluster) continue
    if (scope !== undefined && !isScope(watch, scope)) continue
    if (found !== undefined && found !== informer) {
      throw new TypeError(`${controller.name} declares several reads of ${plural}: the scope must say which is meant`)
    }
    found = informer
  }
  if (found === undefined) throw new UndeclaredAccessError(controller.name, `reads ${plural} of ${cluster}`)
  return found.cache as unknown as ObjectCache<T>
}

function informerId({ resource, namespace, name, labelSelector }: Watch, server: PreparedServer): string {
  const { group, version, plural } = resource
  return [server.name, group, version, plural, namespace ?? '', name ?? '', labelSelector ?? ''].join(' ')
}

/** The fields that all reads of a cache ask for together; whole objects when one of them does. */
function unitedFields(
  controllers: readonly Controller[],
  servers: ReadonlyMap<string, PreparedServer>,
): Map<string, readonly string[] | undefined> {
  const united = new Map<string, readonly string[] | undefined>()
  if (controllers.every(({ reads }) => reads.every(({ fields }) => fields === undefined))) return united
  for (const watch of controllers.flatMap(({ reads }) => reads)) {
    const server = servers.get(watch.cluster)
    if (server === undefined) continue
    const id = informerId(watch, server)
    const known = united.get(id)
    const whole = watch.fields === undefined || (united.has(id) && known === undefined)
    united.set(id, whole ? undefined : [...new Set([...(known ?? []), ...watch.fields])].sort())
  }
  return united
}

function lazyRandom(seed: string): Random {
  let random: Random | undefined
  return { next: () => (random ??= seededRandom(hash52(seed))).next() }
}

/** The error of a request that nobody answered. */
export function unanswered(request: TransportRequest): ConnectionError {
  return new ConnectionError(`${request.method} ${request.path}: no answer came`)
}
