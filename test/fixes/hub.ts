import { ApiServer } from '@locktender/apiserver'
import {
  API_VERSION,
  approvals,
  clusterRoleBindings,
  clusterRoles,
  componentFixes,
  controlPlanes,
  crds,
  customResourceDefinitions,
  fleetAdmission,
  fleetRoleBindings,
  fleetRoles,
  managementClusters,
  namespaces,
  ROLE_GROUPS,
  rollouts,
  rolloutStrategies,
} from '@locktender/fleet'
import type { Approval, ComponentFix, ControlPlane, Rollout, RolloutStrategySpec } from '@locktender/fleet'
import { defaultStrategy } from '@locktender/fixes'
import { Client, forkRandom, VirtualClock } from '@locktender/kube'
import type { KubeObject, Random, Transport } from '@locktender/kube'
import { startManager } from '@locktender/manager'
import { silentLogger } from '@locktender/runtime'
import { originalImage, runFakeAgents } from './fake-agents.ts'
import { Recorder } from './recorder.ts'

export const fixedImage = `registry.example/operator@sha256:${'f'.repeat(64)}`
export const maxConcurrent = 4

const minute = 60_000

export interface HubOptions {
  readonly seed: number
  /** Control planes by environment; a tenth of production is its canary. */
  readonly size?: { readonly integration: number; readonly production: number }
  readonly strategy?: Partial<RolloutStrategySpec>
  readonly fails?: (name: string) => boolean
  /** How many minutes after the change of a component a control plane falls ill. */
  readonly sickens?: (name: string, component: string) => number | undefined
  /** Minutes after the change at which a control plane is unwell for a moment. */
  readonly flaps?: (name: string) => readonly number[]
  /** Share of the manager's writes whose answer is lost after they were done. */
  readonly lostAnswers?: number
}

/** A hub with a small fleet, agents that only pretend, and a manager that can be killed at any moment. */
export class Hub {
  readonly clock = new VirtualClock()
  readonly recorder = new Recorder()
  readonly admin: Client
  readonly #server: ApiServer
  readonly #options: HubOptions
  readonly #random: Random
  readonly #stop = new AbortController()
  readonly #running: Promise<unknown>[] = []
  #manager: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined

  private constructor(options: HubOptions, server: ApiServer, clock: VirtualClock) {
    this.#options = options
    this.#server = server
    this.clock = clock
    this.#random = forkRandom(options.seed, 'hub')
    this.admin = this.client('admin', 'system:masters')
  }

  static async open(options: HubOptions): Promise<Hub> {
    const clock = new VirtualClock()
    const random = forkRandom(options.seed, 'server')
    const server = await ApiServer.open({ clock, random, admission: [fleetAdmission()] })
    await server.cluster('hub')
    const hub = new Hub(options, server, clock)
    await hub.#fill()
    hub.#running.push(
      hub.recorder.record(hub.admin, hub.#stop.signal),
      runFakeAgents({
        client: hub.admin,
        clock,
        random: forkRandom(options.seed, 'agents'),
        ...(options.fails === undefined ? {} : { fails: options.fails }),
        ...(options.sickens === undefined ? {} : { sickens: options.sickens }),
        ...(options.flaps === undefined ? {} : { flaps: options.flaps }),
        signal: hub.#stop.signal,
      }),
    )
    return hub
  }

  client(name: string, ...groups: string[]): Client {
    return new Client({ transport: this.#server.transport({ cluster: 'hub', user: { name, groups } }) })
  }

  startManager(): void {
    const stop = new AbortController()
    const user = { name: 'locktender:manager', groups: [ROLE_GROUPS['locktender-manager']] }
    const transport = this.#server.transport({ cluster: 'hub', user })
    const lost = this.#options.lostAnswers ?? 0
    const ended = startManager({
      hub: new Client({ transport: lost === 0 ? transport : losing(transport, lost, this.#random) }),
      clock: this.clock,
      random: this.#random,
      log: silentLogger,
      signal: stop.signal,
    })
    this.#manager = { stop, ended }
  }

  /** As if the process were gone: whatever it was about to do does not happen. */
  async killManager(): Promise<void> {
    this.#manager?.stop.abort()
    await this.#manager?.ended
    this.#manager = undefined
  }

  async request(name: string, spec: Partial<ComponentFix['spec']> = {}): Promise<void> {
    const fix: ComponentFix = {
      apiVersion: API_VERSION,
      kind: 'ComponentFix',
      metadata: { name },
      spec: {
        ticket: 'OCPBUGS-1',
        component: 'control-plane-operator',
        targets: [{ platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.9' }, image: fixedImage }],
        strategy: 'default',
        deadline: '24h',
        ...spec,
      },
    }
    await this.client('alice', ROLE_GROUPS['locktender-requester']).create(componentFixes, fix)
  }

  async approve(rolloutName: string, ...users: string[]): Promise<void> {
    const { spec } = await this.rollout(rolloutName)
    for (const user of users) {
      const approval: Approval = {
        apiVersion: API_VERSION,
        kind: 'Approval',
        metadata: { name: `${rolloutName}-${user}` },
        spec: { rollout: rolloutName, planHash: spec.plan.hash },
      }
      await this.client(user, ROLE_GROUPS['locktender-approver']).create(approvals, approval)
    }
  }

  rollout(name: string): Promise<Rollout> {
    return this.admin.get<Rollout>(rollouts, name)
  }

  fix(name: string): Promise<ComponentFix> {
    return this.admin.get<ComponentFix>(componentFixes, name)
  }

  async fleet(): Promise<ControlPlane[]> {
    return (await this.admin.listAll<ControlPlane>(controlPlanes)).items
  }

  /** Lets time pass in steps of a minute until `done`; fails after `hours`. */
  async until(done: () => Promise<boolean>, hours = 48): Promise<void> {
    for (let minutes = 0; minutes < hours * 60; minutes += 5) {
      if (await done()) return
      await this.clock.advance(5 * minute)
    }
    throw new Error(`not done after ${hours} hours`)
  }

  /** Until the rollout is in one of `phases`. */
  async untilPhase(name: string, ...phases: string[]): Promise<Rollout> {
    await this.until(async () => phases.includes((await this.rollout(name)).status?.phase ?? ''))
    return this.rollout(name)
  }

  /** Requests a fix and approves its rollout. */
  async deliver(name: string): Promise<void> {
    await this.request(name)
    await this.clock.advance(minute)
    await this.approve(name, 'bob', 'carol')
  }

  async close(): Promise<void> {
    await this.killManager()
    this.#stop.abort()
    await Promise.allSettled(this.#running)
    await this.#server.close()
  }

  async #fill(): Promise<void> {
    const { size = { integration: 4, production: 20 }, strategy } = this.#options
    for (const object of crds()) await this.admin.create(customResourceDefinitions, object)
    for (const role of fleetRoles()) await this.admin.create(clusterRoles, role)
    for (const binding of fleetRoleBindings()) await this.admin.create(clusterRoleBindings, binding)
    const spec = { ...defaultStrategy(), ...strategy }
    await this.admin.create<KubeObject>(rolloutStrategies, own('RolloutStrategy', 'default', { spec }))
    await this.#environment('integration', 'main', size.integration)
    const canaries = Math.ceil(size.production / 10)
    await this.#environment('production', 'canary', canaries)
    await this.#environment('production', 'main', size.production - canaries)
  }

  async #environment(environment: 'integration' | 'production', sector: string, count: number): Promise<void> {
    const name = `mc-${environment}-${sector}`
    await this.admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    await this.admin.create<KubeObject>(
      managementClusters,
      own('ManagementCluster', name, { spec: { environment, sector, region: 'eu-1', maxConcurrent } }),
    )
    for (let index = 0; index < count; index++) await this.addControlPlane(name, index, environment, sector)
  }

  async addControlPlane(
    namespace: string,
    index: number,
    environment: string,
    sector: string,
    version = '4.20.6',
  ): Promise<void> {
    const name = `${environment}-${sector}-${index}`
    const controlPlane = own('ControlPlane', name, { spec: { hostedCluster: { namespace: 'clusters', name } } })
    const stored = await this.admin.create<KubeObject>(controlPlanes, {
      ...controlPlane,
      metadata: { name, namespace },
    })
    const status = {
      identity: {
        environment,
        sector,
        region: 'eu-1',
        platform: 'AWS',
        architecture: 'amd64',
        topology: index % 3 === 0 ? 'SingleReplica' : 'HighlyAvailable',
        customer: `customer-${index % 9}`,
        tier: 'gold',
      },
      version: { controlPlane: version, dataPlane: version },
      images: [{ component: 'control-plane-operator', image: originalImage, origin: 'payload' }],
      health: { state: 'Healthy', since: '2026-01-01T00:00:00Z' },
      nodeFingerprint: 'nodes',
    }
    const withStatus: KubeObject & { status: object } = { ...stored, status }
    await this.admin.update<KubeObject>(controlPlanes, withStatus, { subresource: 'status' })
  }
}

function own(kind: string, name: string, rest: object): KubeObject {
  return { apiVersion: API_VERSION, kind, metadata: { name }, ...rest }
}

/** Loses answers of writes after they were carried out, as a broken connection does. */
function losing(transport: Transport, share: number, random: Random): Transport {
  return {
    async request(request) {
      const response = await transport.request(request)
      if (request.method === 'GET' || random.next() >= share) return response
      throw new Error('connection reset')
    },
    close: () => transport.close(),
  }
}
