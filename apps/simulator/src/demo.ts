import { startAgent } from '@locktender/agent'
import { ApiServer } from '@locktender/apiserver'
import {
  componentFixes,
  controlPlaneComponents,
  controlPlanes,
  crds,
  customResourceDefinitions,
  deployments,
  fleetAdmission,
  hostedClusters,
  hypershiftCrds,
  leases,
  namespaces,
  rollouts,
} from '@locktender/fleet'
import type { ComponentFix, ControlPlane, Rollout } from '@locktender/fleet'
import { Client, httpsTransport, isNotFound, kubeconfigText, ObjectCache, Reflector } from '@locktender/kube'
import type { Clock, KubeObject, Random, Resource, Transport } from '@locktender/kube'
import { startManager } from '@locktender/manager'
import type { Logger } from '@locktender/runtime'
import {
  administrator,
  agentIdentity,
  approvers,
  hubAccess,
  localAccess,
  managerIdentity,
  requester,
} from './access.ts'
import type { Identity } from './access.ts'
import { createMissing } from './create-missing.ts'
import { generateFleet } from './fleet-generator.ts'
import type { SimulatedFleet } from './fleet-generator.ts'
import { componentFix, factsOf, fixImages, fixName, hostedClusterNamespace, hubObjects } from './fleet-objects.ts'
import type { HubObject } from './fleet-objects.ts'
import { latestTime } from './latest-time.ts'
import type { Screen } from './live-view/render.ts'
import { SimulatedHyperShift } from './management-cluster.ts'
import type { WorldOptions } from './options.ts'
import { inParallel } from './parallel.ts'
import { approveRollouts, requestFix } from './people.ts'
import type { Person } from './people.ts'
import { hasEnded, summarise } from './summary.ts'
import type { Summary } from './summary.ts'

/** What a demo runs on. */
export interface DemoEnvironment {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Folder of the API server's store; in memory when absent. */
  readonly directory?: string
  /** Where the simulation's clock started at its first start, milliseconds since the epoch. */
  readonly startedAt: number
  /** Set when the folder holds a simulation: is told the latest moment in it before anything runs. */
  readonly resume?: (latestMs: number) => Promise<void>
  /** Agents and manager speak HTTPS; without it they use the loopback transport. */
  readonly sockets: boolean
  readonly port: number
  readonly speed: string
  /** Another fleet than the one that {@link WorldOptions} describe. */
  readonly fleet?: SimulatedFleet
  /** Manager, agents and people are programs and persons elsewhere; only HyperShift is played. */
  readonly onlyHyperShift?: boolean
}

/** The API of a demo as other programs reach it. */
export interface DemoAddress {
  readonly url: string
  readonly certificateAuthority: string
}

const hub = 'hub'
/** Namespace of the manager's lease. */
const systemNamespace = 'locktender-system'
const creationsAtOnce = 16

/** A whole simulated world: API server, management clusters, agents, manager and the people around them. */
export class Demo {
  readonly fleet: SimulatedFleet
  readonly #environment: DemoEnvironment
  readonly #server: ApiServer
  readonly #simulated: readonly SimulatedHyperShift[]
  readonly #fixes = new ObjectCache<ComponentFix>()
  readonly #rollouts = new ObjectCache<Rollout>()
  readonly #transports: Transport[] = []
  readonly #ended = Promise.withResolvers<void>()
  #address: DemoAddress | undefined
  #onChange: () => void = () => {}

  private constructor(
    environment: DemoEnvironment,
    server: ApiServer,
    fleet: SimulatedFleet,
    simulated: readonly SimulatedHyperShift[],
  ) {
    this.#environment = environment
    this.#server = server
    this.fleet = fleet
    this.#simulated = simulated
  }

  /** Opens the API server and fills it with whatever is missing. Nothing moves before {@link run}. */
  static async open(world: WorldOptions, environment: DemoEnvironment): Promise<Demo> {
    const { clock, random, directory } = environment
    const server = await ApiServer.open({
      clock,
      random,
      admission: [fleetAdmission()],
      ...(directory !== undefined && { dataDirectory: directory }),
    })
    const fleet = environment.fleet ?? generateFleet(world)
    const names = fleet.managementClusters.map(({ name }) => name)
    for (const name of [hub, ...names]) await server.cluster(name)
    const clientOf = (cluster: string) =>
      new Client({ transport: server.transport({ cluster, user: administrator }), userAgent: 'platform-admin' })
    if (environment.resume !== undefined) await environment.resume(await latestIn(clientOf, names))
    const admin = clientOf(hub)
    for (const object of crds()) await createMissing(admin, { resource: customResourceDefinitions, object })
    const system = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } }
    await createMissing(admin, { resource: namespaces, object: system })
    // Access comes second: the roles of agents live in namespaces that the fleet brings.
    await inParallelByKind(admin, [...hubObjects(fleet), ...hubAccess(names)])
    const simulated: SimulatedHyperShift[] = []
    for (const name of names) {
      const local = clientOf(name)
      for (const object of hypershiftCrds()) await createMissing(local, { resource: customResourceDefinitions, object })
      for (const object of localAccess(name)) await createMissing(local, object)
      const hypershift = new SimulatedHyperShift({
        client: new Client({
          transport: server.transport({ cluster: name, user: administrator }),
          userAgent: 'hypershift-operator',
        }),
        clock,
        random,
        namespace: hostedClusterNamespace,
        controlPlanes: factsOf(fleet, name, world.components, environment.startedAt),
        failures: {
          seed: world.seed,
          badFix: world.badFix,
          unsteady: world.unsteadyFix ?? 0,
          badImages: new Set(fixImages(fleet).values()),
          failRate: world.failRate,
        },
      })
      await hypershift.populate()
      simulated.push(hypershift)
    }
    const demo = new Demo(environment, server, fleet, simulated)
    if (environment.sockets) await demo.listen()
    return demo
  }

  /** Resolves when nothing more will happen to the rollout by itself. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Calls `listener` whenever the fix or its rollout changed. */
  onChange(listener: () => void): void {
    this.#onChange = listener
  }

  /** Serves the API over HTTPS from now on, if it does not yet. */
  async listen(): Promise<DemoAddress> {
    const address = this.#address ?? (await this.#server.listen({ port: this.#environment.port }))
    this.#address = address
    return address
  }

  /** Lets everybody work until `signal` aborts. Rejects when one of the programs fails for good. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log, onlyHyperShift = false } = this.#environment
    const around = [
      ...this.#simulated.map((hypershift) => hypershift.run(signal)),
      this.#watch(this.#fixes, componentFixes, signal),
      this.#watch(this.#rollouts, rollouts, signal),
    ]
    if (onlyHyperShift) {
      await Promise.all(around)
      return
    }
    // The API servers are in this process: none of them falls silent unnoticed.
    const surroundings = { watchQuietMs: Infinity }
    const person = (identity: Identity): Person => ({
      name: identity.name,
      client: this.client(hub, identity),
      clock,
      random,
    })
    await Promise.all([
      ...around,
      ...this.fleet.managementClusters.map(async (managementCluster) => {
        const identity = agentIdentity(managementCluster.name)
        await startAgent({
          hub: await this.#clientFor(identity, hub),
          local: await this.#clientFor(identity, managementCluster.name),
          managementCluster,
          clock,
          random,
          log,
          signal,
          surroundings,
        })
      }),
      this.#clientFor(managerIdentity, hub).then((client) =>
        startManager({ hub: client, clock, random, log, signal, surroundings }),
      ),
      ...approvers.map((approver) => approveRollouts(person(approver), fixName, signal)),
      requestFix(person(requester), componentFix(this.fleet), this.fleet.controlPlanes.length, signal),
    ])
  }

  /** What a person sees now. */
  screen(): Screen {
    return {
      controlPlanes: this.fleet.controlPlanes.length,
      managementClusters: this.fleet.managementClusters.length,
      speed: this.#environment.speed,
      now: this.#environment.clock.now(),
      fix: this.#fixes.get(fixName),
      rollout: this.#rollout(),
    }
  }

  /** The document at the end; undefined when there is no rollout to speak of. */
  async summary(elapsedRealSeconds: number, cpuSeconds: number): Promise<Summary | undefined> {
    const [fix, rollout] = [this.#fixes.get(fixName), this.#rollout()]
    if (fix === undefined || rollout === undefined) return undefined
    const all = await this.client(hub, administrator).listAll<ControlPlane>(controlPlanes)
    const broken = this.#simulated.flatMap((hypershift) => hypershift.states()).filter(({ brokenByFix }) => brokenByFix)
    return summarise({
      fix,
      rollout,
      controlPlanes: all.items,
      brokenByFix: broken.length,
      now: this.#environment.clock.now(),
      elapsedRealSeconds,
      cpuSeconds,
    })
  }

  /** A client of the hub (`hub`) or of a management cluster as `identity`, without sockets. RBAC applies. */
  client(cluster: string, identity: Identity): Client {
    return new Client({ transport: this.#server.transport({ cluster, user: identity }), userAgent: identity.name })
  }

  /** A kubeconfig with a context for the hub, one for each management cluster, and one for each of the people. */
  async kubeconfig(): Promise<string> {
    const { url, certificateAuthority } = await this.listen()
    const names = this.fleet.managementClusters.map(({ name }) => name)
    const people = [requester, ...approvers]
    return kubeconfigText({
      certificateAuthority,
      clusters: [hub, ...names].map((name) => ({ name, server: `${url}/clusters/${name}` })),
      users: [
        { name: administrator.name, ...(await this.#server.issueClientCertificate(administrator)) },
        ...people.map((identity) => ({ name: identity.name, token: this.#server.issueToken(identity) })),
      ],
      contexts: [
        ...[hub, ...names].map((name) => ({ name, cluster: name, user: administrator.name })),
        ...people.map(({ name }) => ({ name: `${hub}-${name}`, cluster: hub, user: name })),
      ],
    })
  }

  /** A kubeconfig with nothing but a client certificate of `identity`, and a context for each of `clusters`. */
  async kubeconfigOf(identity: Identity, clusters: readonly string[]): Promise<string> {
    const { url, certificateAuthority } = await this.listen()
    const { name } = identity
    return kubeconfigText({
      certificateAuthority,
      clusters: clusters.map((cluster) => ({ name: cluster, server: `${url}/clusters/${cluster}` })),
      users: [{ name, ...(await this.#server.issueClientCertificate(identity)) }],
      contexts: clusters.map((cluster) => ({ name: cluster, cluster, user: name })),
    })
  }

  /** Ends the API server and all connections to it; call it after {@link run} has ended. */
  async close(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.close()))
    await this.#server.close()
  }

  #rollout(): Rollout | undefined {
    const name = this.#fixes.get(fixName)?.status?.rollout
    return name === undefined ? undefined : this.#rollouts.get(name)
  }

  async #watch<T extends KubeObject>(cache: ObjectCache<T>, resource: Resource, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#environment
    const reflector = new Reflector<T>({
      client: this.client(hub, administrator),
      resource,
      clock,
      random,
      cache,
      onEvent: () => {
        this.#onChange()
        const rollout = this.#rollout()
        if (rollout !== undefined && hasEnded(rollout)) this.#ended.resolve()
      },
    })
    await reflector.run(signal)
  }

  /** A client of `cluster` with real credentials over HTTPS, or over the loopback transport as the same user. */
  async #clientFor(identity: Identity, cluster: string): Promise<Client> {
    const userAgent = identity.name.replaceAll(':', '-')
    if (this.#address === undefined) {
      return new Client({ transport: this.#server.transport({ cluster, user: identity }), userAgent })
    }
    const { url, certificateAuthority } = this.#address
    const { certificate, key } = await this.#server.issueClientCertificate(identity)
    const transport = httpsTransport({
      server: `${url}/clusters/${cluster}`,
      certificateAuthority,
      clientCertificate: certificate,
      clientKey: key,
      clock: this.#environment.clock,
    })
    this.#transports.push(transport)
    return new Client({ transport, userAgent })
  }
}

/** The latest moment in the objects of the hub and of the management clusters. */
async function latestIn(clientOf: (cluster: string) => Client, managementClusters: readonly string[]): Promise<number> {
  const local: readonly Resource[] = [hostedClusters, deployments, controlPlaneComponents]
  const reads = [
    ...[leases, controlPlanes, componentFixes, rollouts].map((resource) => ({ cluster: hub, resource })),
    ...managementClusters.flatMap((cluster) => local.map((resource) => ({ cluster, resource }))),
  ]
  let latest = 0
  for (const { cluster, resource } of reads) {
    try {
      latest = Math.max(latest, latestTime((await clientOf(cluster).listAll(resource)).items))
    } catch (error) {
      // The first start ended before it had defined the kind.
      if (!isNotFound(error)) throw error
    }
  }
  // Times in objects are whole seconds, cut off.
  return latest === 0 ? 0 : latest + 1000
}

/** Creates objects kind by kind, since some need others to exist, and those of one kind many at a time. */
async function inParallelByKind(client: Client, objects: readonly HubObject[]): Promise<void> {
  for (const group of Map.groupBy(objects, ({ resource }) => resource.plural).values()) {
    await inParallel(creationsAtOnce, group, (object) => createMissing(client, object))
  }
}
