import { AsyncLocalStorage } from 'node:async_hooks'
import { ApiError, ConnectionError, errorText } from '@locktender/kube'
import type { Client, Transport, TransportRequest, TransportResponse } from '@locktender/kube'
import type { Target } from './api-path.ts'
import type { ClusterView, Controller, World } from './controller.ts'
import { LeadershipLostError, TerminalError, UndeclaredAccessError } from './errors.ts'
import { EventWriter } from './event-writer.ts'
import { guardedClient, guardedFetch, metadataOf } from './guard.ts'
import type { LiveOptions } from './live.ts'
import { LoopBreaker } from './loop-breaker.ts'
import { noMetrics } from './metrics.ts'
import type { OutsideRequest } from './outside.ts'
import type { RequestGate } from './request-gate.ts'
import type { Shards } from './shards.ts'
import { isScope, resourceName, type Source, type Sources } from './sources.ts'
import { telemetryOf, type ReconcileOutcome, type Telemetry } from './telemetry.ts'
import { lowPriority, WorkQueue } from './work-queue.ts'

export interface LiveControllerOptions {
  readonly controller: Controller
  readonly clusters: Readonly<Record<string, Client>>
  readonly sources: Sources
  readonly gates: ReadonlyMap<Client, RequestGate>
  /** Names this process in events. */
  readonly instance: string
  readonly shards: Shards | undefined
  readonly signal: AbortSignal
  readonly live: LiveOptions
}

/** The key whose reconciliation a request belongs to, however deep in its calls it is made. */
const reconciling = new AsyncLocalStorage<string>()

/** One controller of a process: its queue, its workers, and the world it is given. */
export class LiveController {
  readonly #options: LiveControllerOptions
  readonly #queue: WorkQueue
  readonly #world: World
  readonly #breaker = new LoopBreaker()
  readonly #telemetry: Telemetry | undefined
  /** When the keys being worked on were begun. */
  readonly #begun = new Map<string, number>()
  /** Every key there was, while keys are shared with other processes. */
  readonly #known = new Set<string>()
  #leading: AbortSignal | undefined
  #isOver = false

  constructor(options: LiveControllerOptions) {
    this.#options = options
    const { controller, live, shards } = options
    const { clock, metrics } = live
    this.#telemetry =
      metrics &&
      telemetryOf(
        controller.name,
        controller.concurrency ?? 1,
        { depth: () => this.#queue.depth, begun: () => this.#begun.values() },
        { metrics, clock },
      )
    this.#queue = new WorkQueue({ clock, ...(this.#telemetry && { observer: this.#telemetry.queue }) })
    const sources = this.#listen()
    this.#world = this.#makeWorld(sources)
    shards?.join({
      active: () => this.#queue.active,
      gained: (isGained) => {
        for (const key of this.#known) if (isGained(key)) this.#queue.add(key)
      },
    })
  }

  /** Works on keys until `leading` aborts and the keys that were begun are done. */
  async work(leading: AbortSignal): Promise<void> {
    const { controller } = this.#options
    this.#leading = leading
    for (const key of controller.atStart ?? []) this.#add(key, 0)
    leading.addEventListener('abort', () => this.#queue.close(), { once: true })
    if (leading.aborted) this.#queue.close()
    await Promise.all(Array.from({ length: controller.concurrency ?? 1 }, () => this.#worker(leading)))
  }

  /** Refuses writes from now on: what does not end in time must not write when another process works. */
  close(): void {
    this.#isOver = true
  }

  /** Makes changes of what the controller reads into keys. */
  #listen(): ReadonlyMap<string, readonly Source[]> {
    const { controller, sources } = this.#options
    const declared = new Map<string, Source[]>()
    for (const watch of controller.reads) {
      const source = sources.declare(watch, controller)
      const id = cacheKey(watch.cluster, resourceName(watch.resource))
      const known = declared.get(id)
      if (known === undefined) declared.set(id, [source])
      else if (!known.includes(source)) known.push(source)
      source.listeners.push((event, isEcho) => {
        const priority = this.#leading === undefined ? lowPriority : 0
        for (const key of watch.keys(event)) {
          if (!isEcho) this.#breaker.changed(key)
          this.#add(key, priority)
        }
      })
    }
    return declared
  }

  #add(key: string, priority: number): void {
    if (this.#options.shards !== undefined) this.#known.add(key)
    this.#queue.add(key, priority)
  }

  #makeWorld(sources: ReadonlyMap<string, readonly Source[]>): World {
    const { controller, clusters, gates, instance, signal, live } = this.#options
    const { clock, random } = live
    const log = live.log.with({ controller: controller.name })
    const views = new Map<string, ClusterView>()
    const unwatched: Record<string, Client> = {}
    for (const [name, client] of Object.entries(clusters)) {
      const gate = gates.get(client)!
      const paced = client.through((transport) => gate.lane(transport, () => signal.aborted))
      unwatched[name] = paced
      const send = (transport: Transport, request: TransportRequest, target: Target) =>
        request.method === 'GET' ? transport.request(request) : this.#write(client, transport, request, target)
      views.set(name, {
        client: guardedClient(controller, name, paced, send),
        cache: (resource, scope) => {
          const declared = sources.get(cacheKey(name, resourceName(resource))) ?? []
          const fitting = scope === undefined ? declared : declared.filter(({ watch }) => isScope(watch, scope))
          const [source, another] = fitting
          const what = `${resourceName(resource)} of ${name}`
          if (source === undefined) throw new UndeclaredAccessError(controller.name, `reads the cache of ${what}`)
          if (another !== undefined) {
            throw new TypeError(
              `controller ${controller.name} declares several reads of ${what}; say which one is meant`,
            )
          }
          return source.cache as never
        },
      })
    }
    return {
      clock,
      random,
      log,
      metrics: live.metrics ?? noMetrics,
      events: new EventWriter({ controller, clusters: unwatched, instance, clock, log, signal }),
      fetch: guardedFetch(controller, live.fetch ?? unreachable),
      cluster(name) {
        const view = views.get(name)
        if (view === undefined) throw new UndeclaredAccessError(controller.name, `uses the API server ${name}`)
        return view
      },
    }
  }

  /** Sends a write, unless somebody else may be writing by now, and takes down what it will bring. */
  #write(client: Client, transport: Transport, request: TransportRequest, target: Target): Promise<TransportResponse> {
    const lost = this.#lost()
    if (lost !== undefined) return Promise.reject(lost)
    if (request.path.includes('dryRun=')) return transport.request(request)
    const { sources, live } = this.#options
    const name = target.name ?? metadataOf(request.body).name
    const object = name === undefined ? undefined : keyOf(target.namespace, name)
    if (object !== undefined) sources.expectEcho(client, target, object)
    const answered = transport.request(request)
    const key = reconciling.getStore()
    return answered.then((answer) => {
      const isDone = answer.status >= 200 && answer.status < 300
      if (!isDone && object !== undefined) sources.cancelEcho(client, target, object)
      if (isDone && key !== undefined) {
        const written = `${resourceName(target)} ${object ?? keyOf(target.namespace, 'new ones')}`
        const pauseMs = this.#breaker.wrote(key, written, live.clock.now())
        if (pauseMs !== undefined) this.#pause(key, client, target, name, pauseMs)
      }
      return answer
    })
  }

  /** What says that another process may be writing by now. */
  #lost(): LeadershipLostError | undefined {
    const reason: unknown = this.#leading?.aborted === true ? this.#leading.reason : undefined
    if (reason instanceof LeadershipLostError) return reason
    if (this.#isOver || this.#options.shards?.isHeld === false)
      return new LeadershipLostError('this process no longer works on keys')
    return undefined
  }

  /** Tells everybody that a key runs in circles. That it does not run is seen to when it is taken. */
  #pause(key: string, client: Client, target: Target, name: string | undefined, pauseMs: number): void {
    const { controller, clusters } = this.#options
    const seconds = Math.round(pauseMs / 1000)
    const object = `${resourceName(target)} ${keyOf(target.namespace, name ?? 'of a generated name')}`
    this.#world.log.error('Paused a key that runs in circles', { key, object, seconds })
    this.#telemetry?.looped()
    const write = controller.writes.find(
      ({ cluster, resource }) =>
        clusters[cluster] === client && resource.plural === target.plural && resource.group === target.group,
    )
    if (write === undefined || name === undefined) return
    const { group, version, kind } = write.resource
    const subject = {
      apiVersion: group === '' ? version : `${group}/${version}`,
      kind,
      metadata: { name, ...(target.namespace !== undefined && { namespace: target.namespace }) },
    }
    const message = `${controller.name} wrote this again and again while nothing else changed. It waits ${seconds} s, or until something changes, before it looks at ${key} again. Two fields of the object, or two controllers, are likely to contradict each other.`
    try {
      this.#world.events.record(write.cluster, subject, { type: 'Warning', reason: 'ReconcileLoop', message })
    } catch {
      // Who declares no events does without; the log and the metrics have it.
    }
  }

  async #worker(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.take()
      if (key === undefined) return
      const pauseMs = this.#breaker.pauseMs(key, this.#options.live.clock.now())
      if (pauseMs > 0) {
        this.#queue.done(key)
        this.#queue.addAfter(key, pauseMs)
      } else if (this.#options.shards?.owns(key) === false) {
        // Whoever owns it has it in a queue of its own; if it comes to this process, it is added again.
        this.#queue.done(key)
      } else {
        await this.#reconcile(key, signal)
      }
      this.#options.shards?.settled()
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { controller, live } = this.#options
    const started = live.clock.now()
    if (this.#telemetry !== undefined) this.#begun.set(key, started)
    let outcome: ReconcileOutcome = 'success'
    try {
      const result = await reconciling.run(key, () => controller.reconcile(key, this.#world, signal))
      this.#queue.forget(key)
      if (result?.requeueAfterMs !== undefined) {
        outcome = 'requeue_after'
        this.#queue.addAfter(key, result.requeueAfterMs)
      }
    } catch (error) {
      outcome = 'error'
      if (!signal.aborted) this.#failed(key, error)
    } finally {
      if (this.#telemetry !== undefined) {
        this.#begun.delete(key)
        this.#telemetry.ended(outcome, live.clock.now() - started)
      }
      this.#queue.done(key)
    }
  }

  #failed(key: string, error: unknown): void {
    const message = errorText(error)
    if (isTerminal(error)) {
      this.#world.log.error('Gave up until something changes', { key, error: message })
      this.#telemetry?.gaveUp()
      this.#queue.forget(key)
    } else {
      this.#world.log.warn('Reconcile failed', { key, error: message })
      this.#queue.addRateLimited(key, error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0)
    }
  }
}

function cacheKey(cluster: string, resource: string): string {
  return `${cluster} ${resource}`
}

function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

function unreachable({ url }: OutsideRequest): Promise<never> {
  return Promise.reject(new ConnectionError(`${url} cannot be asked: this process has no way outside`))
}

/** The client wraps what its transport throws, so the refusal of an undeclared access may be a cause. */
function isTerminal(error: unknown): boolean {
  return error instanceof TerminalError || (error instanceof Error && error.cause instanceof TerminalError)
}
