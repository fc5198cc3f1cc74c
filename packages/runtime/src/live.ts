import { sleep } from '@locktender/kube'
import type { Client, Clock, Random } from '@locktender/kube'
import type { Controller, World } from './controller.ts'
import type { Health } from './health.ts'
import { holdLeadership, type LeaderElectionOptions } from './leader-election.ts'
import { LiveController } from './live-controller.ts'
import type { Logger } from './logger.ts'
import { noMetrics, type Metrics } from './metrics.ts'
import { RequestGate, type RequestBudget } from './request-gate.ts'
import { Shards, type ShardingOptions } from './shards.ts'
import { Sources } from './sources.ts'
import { countedClient } from './telemetry.ts'

/** How long the keys being worked on may take after the controllers were told to stop, in milliseconds. */
const GRACE_MS = 10_000

/** What the process around the controllers gives them besides API servers. */
export interface LiveSurroundings {
  /** Asks what lies outside Kubernetes. Without it, nothing there can be reached. */
  readonly fetch?: World['fetch']
  readonly metrics?: Metrics
  /** Told how this process is doing. */
  readonly health?: Health
  /**
   * How long a watch may give nothing before it is renewed, in milliseconds. Servers send a bookmark each minute.
   * `Infinity` where the API server is in this process and cannot fall silent unnoticed.
   * @default 150_000
   */
  readonly watchQuietMs?: number
  /** What each controller may ask of each API server. @default without limit */
  readonly budget?: RequestBudget
  /** Requests of all controllers to one API server that may be in flight; they take turns. @default without limit */
  readonly requestsInFlight?: number
}

export interface LiveOptions extends LiveSurroundings {
  readonly controllers: readonly Controller[]
  /** API servers by the names that the controllers use. One client under several names shares its caches. */
  readonly clusters: Readonly<Record<string, Client>>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Aborting stops the controllers: no key is begun any more, and `runControllers` resolves when those begun are done. */
  readonly signal: AbortSignal
  /** Without it the controllers work at once: right where only one process can run. */
  readonly leaderElection?: LeaderElectionOptions
  /** Shares the keys of controllers among the processes that do so; instead of leader election. */
  readonly sharding?: ShardingOptions
  /** Called when the caches are filled and the workers are about to start. */
  readonly onStarted?: () => void
}

/**
 * Runs controllers against real API servers until the signal aborts: one watch cache for each distinct read, a work
 * queue for each controller, and workers that start once every cache is filled and, with leader election, once this
 * process leads. Watches that have caught up let a new leader start at once.
 *
 * @throws LeadershipLostError when the lease is lost; the process should exit and start anew.
 */
export async function runControllers(options: LiveOptions): Promise<void> {
  const { clock, random, log, health, leaderElection, sharding, metrics, watchQuietMs = 150_000 } = options
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const clusters = metrics === undefined ? options.clusters : counted(options.clusters, clock, metrics)
  const sources = new Sources({ clusters, clock, random, watchQuietMs })
  const gates = new Map([...new Set(Object.values(clusters))].map((client) => [client, gateOf(options)]))
  const instance = leaderElection?.identity ?? sharding?.identity ?? 'single'
  const shards = sharding && new Shards({ ...sharding, clock, random, log, signal })
  const controllers = options.controllers.map(
    (controller) =>
      new LiveController({ controller, clusters, sources, gates, instance, shards, signal, live: options }),
  )
  const watching = sources.run(signal)
  health?.watch(() => sources.health(), watchQuietMs)
  // Watches end when they are told to, or for a reason that ends everything.
  const failed = Promise.race(watching.map((running) => running.then(() => new Promise<never>(() => {}))))
  const work = async (leading: AbortSignal) => {
    options.onStarted?.()
    if (health !== undefined) health.working = true
    const done = new AbortController()
    const working = Promise.all(controllers.map((controller) => controller.work(leading)))
    const patience = stopped(leading).then(() => sleep(clock, GRACE_MS, done.signal).catch(() => {}))
    try {
      await Promise.race([working, patience, failed])
    } finally {
      done.abort()
      for (const controller of controllers) controller.close()
      if (health !== undefined) health.working = false
    }
  }
  try {
    await Promise.race([sources.synced(), failed, stopped(signal)])
    if (signal.aborted) return
    if (shards !== undefined) {
      await shards.hold(work)
    } else if (leaderElection === undefined) {
      await work(signal)
    } else {
      const master = masterStatus(metrics ?? noMetrics, leaderElection.name)
      await holdLeadership({ ...leaderElection, clock, random, log, signal }, async (leading) => {
        master(1)
        leading.addEventListener('abort', () => master(0), { once: true })
        await work(leading)
      })
    }
  } finally {
    stop.abort()
    await Promise.allSettled(watching)
  }
}

function gateOf({ clock, budget, requestsInFlight }: LiveOptions): RequestGate {
  return new RequestGate({
    clock,
    ...(budget !== undefined && { budget }),
    ...(requestsInFlight !== undefined && { inFlight: requestsInFlight }),
  })
}

/** Names of one client stay names of one client. */
function counted(clusters: LiveOptions['clusters'], clock: Clock, metrics: Metrics): Record<string, Client> {
  const made = new Map<Client, Client>()
  const result: Record<string, Client> = {}
  for (const [name, client] of Object.entries(clusters)) {
    const wrapped = made.get(client) ?? countedClient(client, name, clock, metrics)
    made.set(client, wrapped)
    result[name] = wrapped
  }
  return result
}

function masterStatus(metrics: Metrics, name: string): (value: 0 | 1) => void {
  const gauge = metrics.gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads: 1 it does, 0 it waits',
    labels: ['name'],
  })
  gauge.set(0, { name })
  return (value) => gauge.set(value, { name })
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
