import {
  type Client,
  type Clock,
  ConnectionError,
  errorText,
  type KubeObject,
  ObjectCache,
  type Random,
  Reflector,
  type Resource,
  sleep,
} from '@locktender/kube'
import type { ClusterView, Controller, ObjectEvent, Watch, World } from './controller.ts'
import { TerminalError, UndeclaredAccessError } from './errors.ts'
import { guardedClient, guardedFetch } from './guard.ts'
import { holdLeadership, type LeaderElectionOptions } from './leader-election.ts'
import type { Logger } from './logger.ts'
import { noMetrics } from './metrics.ts'
import type { OutsideRequest } from './outside.ts'
import { lowPriority, WorkQueue } from './work-queue.ts'

/** How long the keys being worked on may take after the controllers were told to stop, in milliseconds. */
const GRACE_MS = 10_000

export interface LiveOptions {
  readonly controllers: readonly Controller[]
  /** API servers by the names that the controllers use. */
  readonly clusters: Readonly<Record<string, Client>>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Aborting stops the controllers: no key is begun any more, and `runControllers` resolves when those begun are done. */
  readonly signal: AbortSignal
  /** Without it the controllers work at once: right where only one process can run. */
  readonly leaderElection?: LeaderElectionOptions
  /** Asks what lies outside Kubernetes. Without it, nothing there can be reached. */
  readonly fetch?: World['fetch']
  /** Called when the caches are filled and the workers are about to start. */
  readonly onStarted?: () => void
}

interface Source {
  readonly cache: ObjectCache<KubeObject>
  readonly scope: string
  readonly listeners: ((event: ObjectEvent) => void)[]
  run(signal: AbortSignal): Promise<void>
  readonly synced: Promise<void>
}

/**
 * Runs controllers against real API servers until the signal aborts: one watch cache for each distinct read, a work
 * queue for each controller, and workers that start once every cache is filled and, with leader election, once this
 * process leads. Watches that have caught up let a new leader start at once.
 *
 * @throws LeadershipLostError when the lease is lost; the process should exit and start anew.
 * @throws TypeError when two reads of one resource differ in scope: a cache holds one scope.
 */
export async function runControllers(options: LiveOptions): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const sources = new Map<string, Source>()
  const runners = options.controllers.map((controller) => prepare(controller, options, sources))
  const watching = [...sources.values()].map((source) => source.run(signal))
  // Watches end when they are told to, or for a reason that ends everything.
  const failed = Promise.race(watching.map((running) => running.then(() => new Promise<never>(() => {}))))
  try {
    await Promise.race([Promise.all([...sources.values()].map((source) => source.synced)), failed, stopped(signal)])
    if (signal.aborted) return
    const work = async (leading: AbortSignal) => {
      options.onStarted?.()
      const done = new AbortController()
      const working = Promise.all(runners.map((runner) => runner(leading)))
      const patience = stopped(leading).then(() => sleep(options.clock, GRACE_MS, done.signal).catch(() => {}))
      try {
        await Promise.race([working, patience, failed])
      } finally {
        done.abort()
      }
    }
    if (options.leaderElection === undefined) await work(signal)
    else await holdLeadership({ ...options.leaderElection, ...pick(options), signal }, work)
  } finally {
    stop.abort()
    await Promise.allSettled(watching)
  }
}

function pick({ clock, random, log }: LiveOptions): Pick<LiveOptions, 'clock' | 'random' | 'log'> {
  return { clock, random, log }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function resourceKey(cluster: string, resource: Resource): string {
  return `${cluster} ${resource.group}/${resource.plural}`
}

/** Connects one controller to its sources and returns the function that runs its workers. */
function prepare(
  controller: Controller,
  options: LiveOptions,
  sources: Map<string, Source>,
): (signal: AbortSignal) => Promise<void> {
  const queue = new WorkQueue({ clock: options.clock })
  let initial = true
  for (const watch of controller.reads) {
    const source = sourceOf(watch, controller, options, sources)
    source.listeners.push((event) => {
      for (const key of watch.keys(event)) queue.add(key, initial ? lowPriority : 0)
    })
  }
  const world = worldOf(controller, options, sources)
  return async (signal) => {
    initial = false
    signal.addEventListener('abort', () => queue.close(), { once: true })
    if (signal.aborted) queue.close()
    const workers = Array.from({ length: controller.concurrency ?? 1 }, () => work(controller, world, queue, signal))
    await Promise.all(workers)
  }
}

function sourceOf(watch: Watch, controller: Controller, options: LiveOptions, sources: Map<string, Source>): Source {
  const id = resourceKey(watch.cluster, watch.resource)
  const scope = `${watch.namespace ?? ''} ${watch.labelSelector ?? ''}`
  const existing = sources.get(id)
  if (existing !== undefined) {
    if (existing.scope !== scope) throw new TypeError(`reads of ${id} differ in namespace or selector`)
    return existing
  }
  const client = options.clusters[watch.cluster]
  if (client === undefined) throw new UndeclaredAccessError(controller.name, `uses the API server ${watch.cluster}`)
  const cache = new ObjectCache<KubeObject>()
  const listeners: Source['listeners'] = []
  const reflector = new Reflector<KubeObject>({
    client,
    resource: watch.resource,
    ...(watch.namespace === undefined ? {} : { namespace: watch.namespace }),
    ...(watch.labelSelector === undefined ? {} : { labelSelector: watch.labelSelector }),
    clock: options.clock,
    random: options.random,
    cache,
    onEvent: (event) => {
      for (const listener of listeners) listener(event)
    },
  })
  const source: Source = {
    cache,
    scope,
    listeners,
    run: (signal) => reflector.run(signal),
    synced: reflector.synced,
  }
  sources.set(id, source)
  return source
}

function worldOf(controller: Controller, options: LiveOptions, sources: ReadonlyMap<string, Source>): World {
  const views = new Map<string, ClusterView>()
  const declared = new Set(controller.reads.map((watch) => resourceKey(watch.cluster, watch.resource)))
  for (const [name, client] of Object.entries(options.clusters)) {
    views.set(name, {
      client: guardedClient(controller, name, client),
      cache<T extends KubeObject>(resource: Resource): ObjectCache<T> {
        const id = resourceKey(name, resource)
        const source = declared.has(id) ? sources.get(id) : undefined
        if (source === undefined) throw new UndeclaredAccessError(controller.name, `reads ${id}`)
        return source.cache as unknown as ObjectCache<T>
      },
    })
  }
  return {
    clock: options.clock,
    random: options.random,
    log: options.log.with({ controller: controller.name }),
    metrics: noMetrics,
    events: { record: () => {} },
    fetch: guardedFetch(controller, options.fetch ?? unreachable),
    cluster(name) {
      const view = views.get(name)
      if (view === undefined) throw new UndeclaredAccessError(controller.name, `uses the API server ${name}`)
      return view
    },
  }
}

async function work(controller: Controller, world: World, queue: WorkQueue, signal: AbortSignal): Promise<void> {
  for (;;) {
    const key = await queue.take()
    if (key === undefined) return
    try {
      const result = await controller.reconcile(key, world, signal)
      queue.forget(key)
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs)
    } catch (error) {
      if (signal.aborted) return
      const message = errorText(error)
      if (isTerminal(error)) {
        world.log.error('Gave up until something changes', { key, error: message })
        queue.forget(key)
      } else {
        world.log.warn('Reconcile failed', { key, error: message })
        queue.addRateLimited(key)
      }
    } finally {
      queue.done(key)
    }
  }
}

function unreachable({ url }: OutsideRequest): Promise<never> {
  return Promise.reject(new ConnectionError(`${url} cannot be asked: this process has no way outside`))
}

/** The client wraps what its transport throws, so the refusal of an undeclared access may be a cause. */
function isTerminal(error: unknown): boolean {
  return error instanceof TerminalError || (error instanceof Error && error.cause instanceof TerminalError)
}
