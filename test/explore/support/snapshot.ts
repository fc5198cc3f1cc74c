import { ApiServer } from '@locktender/apiserver'
import {
  Client,
  customResourceDefinitions,
  encodeObject,
  type KubeObject,
  ObjectCache,
  type Resource,
  seededRandom,
  VirtualClock,
} from '@locktender/kube'
import { type Controller, noMetrics, type ObjectEvent, silentLogger, type Watch, type World } from '@locktender/runtime'
import type { Scenario, Step } from '@locktender/runtime/explore'
import {
  accounts,
  claims,
  configMaps,
  databases,
  deployments,
  NAMESPACE,
  pods,
  secrets,
  services,
  statefulSets,
} from './kinds.ts'

/** What an author of operators looks at after a reconcile. */
const LOOKED_AT: readonly Resource[] = [
  databases,
  accounts,
  statefulSets,
  deployments,
  pods,
  claims,
  services,
  secrets,
  configMaps,
]
const storageClasses: Resource = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'storageclasses',
  kind: 'StorageClass',
  namespaced: false,
}
/** What the server adds, and what operators keep for themselves. */
const LEFT_OUT = ['uid', 'resourceVersion', 'managedFields', 'creationTimestamp', 'generation', 'finalizers'] as const
/** Rounds until a story has come to rest. */
const ROUNDS = 30

/** A snapshot test: a state in which the operator is asked once for each key, and what it leaves behind. */
export interface Snapshot {
  /** What had happened just before. */
  readonly after: string
  readonly outcome: unknown
}

/**
 * The snapshot tests an author of operators would write for a story: after each thing that happens to a world at rest,
 * the operator, newly started and with everything in its caches, reconciles each key once.
 */
export async function snapshotsOf(scenario: Scenario): Promise<Snapshot[]> {
  const bench = await Bench.open(scenario)
  try {
    const snapshots: Snapshot[] = []
    for (const step of scenario.steps ?? []) {
      if ('settle' in step) continue
      await bench.rest()
      await bench.take(step)
      await bench.reconcileOnce(scenario.processes['operator']!())
      snapshots.push({ after: JSON.stringify(step), outcome: await bench.outcome() })
    }
    return snapshots
  } finally {
    await bench.close()
  }
}

class Bench {
  readonly #server: ApiServer
  readonly #clock: VirtualClock
  readonly #clients: ReadonlyMap<string, Client>
  readonly #running: readonly Controller[]
  /** What was seen last, for the events of what is gone. */
  readonly #seen = new Map<string, Map<string, KubeObject>>()

  private constructor(server: ApiServer, clock: VirtualClock, clients: Map<string, Client>, running: Controller[]) {
    this.#server = server
    this.#clock = clock
    this.#clients = clients
    this.#running = running
  }

  static async open(scenario: Scenario): Promise<Bench> {
    const clock = new VirtualClock()
    const server = await ApiServer.open({ clock, random: seededRandom(1) })
    const clients = new Map<string, Client>()
    for (const [name, { definitions, objects }] of Object.entries(scenario.clusters)) {
      await server.cluster(name)
      const user = { name: 'admin', groups: ['system:masters'] }
      const client = new Client({ transport: server.transport({ cluster: name, user }) })
      clients.set(name, client)
      for (const one of definitions ?? []) await client.create(customResourceDefinitions, one)
      await clock.advance(1000)
      for (const one of objects ?? []) await client.create(resourceOf(one), one)
    }
    const running = Object.values(scenario.processes).flatMap((process) => process())
    return new Bench(server, clock, clients, running)
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  /** Lets all controllers work until nothing changes. */
  async rest(): Promise<void> {
    let before: string | undefined
    for (let round = 0; round < ROUNDS; round++) {
      await this.reconcileOnce(this.#running)
      const now = JSON.stringify(await this.outcome())
      if (now === before) return
      before = now
    }
    throw new Error('the story does not come to rest')
  }

  async take(step: Step): Promise<void> {
    const client = (name?: string) => this.#clients.get(name ?? [...this.#clients.keys()][0]!)!
    if ('create' in step) await client(step.cluster).create(resourceOf(step.create), step.create)
    else if ('change' in step) {
      const { resource, name, namespace } = step.change
      await client(step.cluster).patch(resource, { name, namespace }, step.to, { type: 'merge' })
    } else if ('delete' in step) await client(step.cluster).delete(step.delete.resource, step.delete)
    else if ('together' in step) for (const one of step.together) await this.take(one)
    else throw new Error(`a snapshot test does not know the step ${JSON.stringify(step)}`)
  }

  /** Each key that the objects there now, or gone since the last time, stand for. An error is what a test shows, too. */
  async reconcileOnce(controllers: readonly Controller[]): Promise<void> {
    for (const controller of controllers) {
      const { world, keys } = await this.#worldOf(controller)
      for (const key of keys) {
        try {
          await controller.reconcile(key, world, new AbortController().signal)
        } catch (error) {
          if (error instanceof TypeError) throw error
        }
      }
    }
    // The garbage collector of the server.
    await this.#clock.advance(1000)
  }

  async #worldOf(controller: Controller): Promise<{ world: World; keys: Set<string> }> {
    const caches = new Map<string, ObjectCache>()
    const keys = new Set<string>()
    for (const watch of controller.reads) {
      const cache = new ObjectCache()
      caches.set(`${watch.cluster} ${watch.resource.plural}`, cache)
      for (const event of await this.#events(controller, watch, cache)) {
        for (const key of watch.keys(event)) keys.add(key)
      }
    }
    const world: World = {
      clock: this.#clock,
      random: seededRandom(2),
      log: silentLogger,
      metrics: noMetrics,
      events: { record: () => {} },
      cluster: (name) => ({
        client: this.#clients.get(name)!,
        cache: <T extends KubeObject>(resource: Resource) =>
          caches.get(`${name} ${resource.plural}`)! as unknown as ObjectCache<T>,
      }),
      fetch: () => Promise.reject(new Error('nothing is outside')),
    }
    return { world, keys }
  }

  async #events(controller: Controller, watch: Watch, cache: ObjectCache): Promise<ObjectEvent[]> {
    const id = `${controller.name} ${watch.cluster} ${watch.resource.plural}`
    const before = this.#seen.get(id) ?? new Map<string, KubeObject>()
    const { items } = await this.#clients.get(watch.cluster)!.list(watch.resource, { namespace: NAMESPACE })
    cache.replace(items.map(encodeObject))
    const now = new Map(items.map((one) => [encodeObject(one).key, one]))
    this.#seen.set(id, now)
    const event = (type: ObjectEvent['type'], key: string, one: KubeObject): ObjectEvent => ({
      type,
      key,
      object: () => one,
      previous: () => undefined,
    })
    const gone = [...before].filter(([key]) => !now.has(key)).map(([key, one]) => event('DELETED', key, one))
    return [...gone, ...[...now].map(([key, one]) => event('ADDED', key, one))]
  }

  /** Everything of interest, without what the server adds and without the operator's own bookkeeping. */
  async outcome(): Promise<unknown> {
    const all: unknown[] = []
    for (const [name, client] of this.#clients) {
      for (const resource of LOOKED_AT) {
        if (resource.group === databases.group && name !== [...this.#clients.keys()][0]) continue
        const { items } = await client.list(resource, { namespace: NAMESPACE })
        for (const one of items) all.push(plain(one))
      }
    }
    return all
  }
}

function plain(object: KubeObject): unknown {
  const metadata = { ...object.metadata }
  for (const member of LEFT_OUT) delete metadata[member]
  const { generateName } = metadata
  const labels = metadata.labels && { ...metadata.labels, ...(metadata.labels['uid'] && { uid: 'a uid' }) }
  const { ownerReferences } = metadata
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(generateName !== undefined && { name: generateName }),
      ...(labels && { labels }),
      ...(ownerReferences && { ownerReferences: ownerReferences.map((one) => ({ ...one, uid: 'a uid' })) }),
      ...(metadata.deletionTimestamp !== undefined && { deletionTimestamp: 'a time' }),
    },
    ...('status' in object && object.kind === 'Database' && { status: withoutNames(object.status) }),
  }
}

/** The names that a cloud chooses differ from run to run. */
function withoutNames(status: unknown): unknown {
  return JSON.parse(JSON.stringify(status ?? null).replace(/"network-[a-z0-9]+"/g, '"a network"'))
}

function resourceOf({ kind }: KubeObject): Resource {
  const found = [...LOOKED_AT, storageClasses].find((resource) => resource.kind === kind)
  if (found === undefined) throw new Error(`a snapshot test does not know the kind ${kind}`)
  return found
}
