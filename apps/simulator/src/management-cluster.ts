import { isForbidden, isInvalid, isNotFound, ObjectCache, Reflector, sleep } from '@locktender/kube'
import type { Cancel, Client, Clock, KubeObject, Random } from '@locktender/kube'
import {
  controlPlaneComponents,
  CPO_IMAGE_ANNOTATION,
  deployments,
  hostedClusters,
  IMAGE_OVERRIDES_ANNOTATION,
  namespaces,
} from '@locktender/fleet'
import { createMissing } from './create-missing.ts'
import { operatorComponent } from './hosted-control-plane/components.ts'
import type { FailureSettings } from './hosted-control-plane/failure-modes.ts'
import { initialObjects, partsNamespace, patchFor, viewFrom } from './hosted-control-plane/objects.ts'
import type { InitialObject, ObjectPatch } from './hosted-control-plane/objects.ts'
import { initialState, request, resumedState, step } from './hosted-control-plane/state-machine.ts'
import type { ControlPlaneState, Template } from './hosted-control-plane/state-machine.ts'
import type { ControlPlaneFacts } from './hosted-control-plane/view.ts'
import { inParallel } from './parallel.ts'

export interface ManagementClusterOptions {
  /** Speaks to the API server of this management cluster, as its HyperShift operator. */
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  /** The namespace of all HostedClusters. */
  readonly namespace: string
  readonly controlPlanes: readonly ControlPlaneFacts[]
  readonly failures: FailureSettings
}

interface Entry {
  state: ControlPlaneState
  /** Generation of the operator's Deployment. */
  generation: number
  running: boolean
  again: boolean
  cancelTimer: Cancel
}

/** Objects created at once while a management cluster is filled. */
const creationsAtOnce = 16

/** Clock time before a write that got no answer is repeated. */
const retryMs = 1000

/**
 * Plays HyperShift on one management cluster: creates its objects, watches what the annotations of its
 * HostedClusters ask for, and lets the control planes go through it, visible only in what it writes.
 */
export class SimulatedHyperShift {
  readonly #options: ManagementClusterOptions
  readonly #entries = new Map<string, Entry>()

  constructor(options: ManagementClusterOptions) {
    this.#options = options
  }

  /** Creates what is missing and reads back what is there. Call it once, before {@link run}. */
  async populate(): Promise<void> {
    const { client, controlPlanes, namespace, failures } = this.#options
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    await createMissing(client, { resource: namespaces, object })
    const existing = await this.#existing()
    await inParallel(creationsAtOnce, controlPlanes, async (facts) => {
      const found = existing.get(facts.name)
      if (found === undefined) {
        for (const each of initialObjects(facts)) await this.#create(each)
        this.#add(initialState(facts), 1)
      } else {
        const { view, operation } = viewFrom(facts, found.hostedCluster, found.operator, found.components)
        this.#add(resumedState(facts, view, operation, failures), found.operator.metadata.generation ?? 1)
      }
    })
  }

  /** Simulates until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, random, namespace } = this.#options
    const reflector = new Reflector({
      client,
      resource: hostedClusters,
      namespace,
      clock,
      random,
      cache: new ObjectCache<KubeObject>(),
      onEvent: (event) => {
        if (event.type === 'DELETED') return
        const { metadata } = event.object()
        this.#observe(metadata.name, templateOf(metadata.annotations ?? {}), signal)
      },
    })
    for (const name of this.#entries.keys()) this.#wake(name, signal)
    await reflector.run(signal)
    for (const entry of this.#entries.values()) entry.cancelTimer()
  }

  /** The truth about every control plane, for judging what the fleet's objects say about it. */
  states(): readonly ControlPlaneState[] {
    return [...this.#entries.values()].map(({ state }) => state)
  }

  #add(state: ControlPlaneState, generation: number): void {
    this.#entries.set(state.facts.name, { state, generation, running: false, again: false, cancelTimer: () => {} })
  }

  #observe(name: string, asked: Partial<Template>, signal: AbortSignal): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    const state = request(entry.state, asked, this.#options.clock.now(), this.#options.failures)
    if (state === entry.state) return
    entry.state = state
    this.#wake(name, signal)
  }

  #wake(name: string, signal: AbortSignal): void {
    const entry = this.#entries.get(name)!
    entry.again = true
    if (!entry.running) void this.#advance(name, entry, signal)
  }

  async #advance(name: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    entry.running = true
    while (entry.again && !signal.aborted) {
      entry.again = false
      entry.cancelTimer()
      const { state, writes, nextDue } = step(entry.state, clock.now())
      entry.state = state
      const [template, others] = [
        writes.filter(({ target }) => target === 'operator-template'),
        writes.filter(({ target }) => target !== 'operator-template'),
      ]
      // The status of the Deployment names the generation that its template has got.
      for (const write of template) {
        const written = await this.#patch(patchFor(state, write, entry.generation), signal)
        entry.generation = written?.metadata.generation ?? entry.generation
      }
      await Promise.all(others.map((write) => this.#report(patchFor(state, write, entry.generation), signal)))
      if (nextDue !== undefined && !signal.aborted) {
        entry.cancelTimer = clock.after(nextDue - clock.now(), () => this.#wake(name, signal))
      }
    }
    entry.running = false
  }

  /** Writes a template and gives its object, or undefined when somebody deleted that by hand. */
  #patch({ resource, name, namespace, body }: ObjectPatch, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { client } = this.#options
    return this.#persist(() => client.patch(resource, { name, namespace }, body, { type: 'merge' }), signal)
  }

  /** Writes a status. */
  #report({ resource, name, namespace, body, subresource }: ObjectPatch, signal: AbortSignal): Promise<void> {
    const options = subresource === undefined ? {} : { subresource }
    return this.#persist(() => this.#options.client.report(resource, { name, namespace }, body, options), signal)
  }

  async #persist<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    while (!signal.aborted) {
      try {
        return await write()
      } catch (error) {
        // Somebody deleted the object by hand: there is nothing left to show.
        if (isNotFound(error)) return undefined
        if (isInvalid(error) || isForbidden(error)) throw error
        await sleep(this.#options.clock, retryMs, signal).catch(() => {})
      }
    }
    return undefined
  }

  async #create({ resource, object, status }: InitialObject): Promise<void> {
    const { client } = this.#options
    await createMissing(client, { resource, object })
    if (status === undefined) return
    const { name, namespace } = object.metadata
    await client.patch(resource, { name, namespace }, { status }, { type: 'merge', subresource: 'status' })
  }

  /** The control planes that are complete, by name, with the objects in which they are visible. */
  async #existing(): Promise<Map<string, ExistingControlPlane>> {
    const { client, controlPlanes, namespace } = this.#options
    const [clusters, operators, components] = await Promise.all([
      client.listAll<KubeObject & { status?: object }>(hostedClusters, { namespace }),
      client.listAll(deployments),
      client.listAll(controlPlaneComponents),
    ])
    const operatorOf = new Map(
      operators.items
        .filter(({ metadata }) => metadata.name === operatorComponent)
        .map((operator) => [operator.metadata.namespace, operator]),
    )
    const componentsOf = Map.groupBy(components.items, ({ metadata }) => metadata.namespace)
    const clusterOf = new Map(clusters.items.map((cluster) => [cluster.metadata.name, cluster]))
    const found = new Map<string, ExistingControlPlane>()
    for (const facts of controlPlanes) {
      const hostedCluster = clusterOf.get(facts.name)
      const operator = operatorOf.get(partsNamespace(facts))
      if (hostedCluster?.status === undefined || operator === undefined) continue
      found.set(facts.name, {
        hostedCluster,
        operator,
        components: componentsOf.get(partsNamespace(facts)) ?? [],
      })
    }
    return found
  }
}

interface ExistingControlPlane {
  readonly hostedCluster: KubeObject
  readonly operator: KubeObject
  readonly components: readonly KubeObject[]
}

/** What the annotations of a HostedCluster ask for. */
function templateOf(annotations: Readonly<Record<string, string>>): Partial<Template> {
  const { [CPO_IMAGE_ANNOTATION]: image, [IMAGE_OVERRIDES_ANNOTATION]: overrides } = annotations
  return { ...(image !== undefined && { image }), ...(overrides !== undefined && { overrides }) }
}
