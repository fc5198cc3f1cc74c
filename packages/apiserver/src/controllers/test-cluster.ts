import { Client, isNotFound, seededRandom, VirtualClock } from '@locktender/kube'
import type { KubeObject, OwnerReference, Resource, Transport } from '@locktender/kube'
import { ApiServer } from '../server.ts'
import { systemUser } from '../user.ts'

/** Kinds the tests use: two namespaced ones and two cluster-scoped ones. */
export const configMaps: Resource = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
}
export const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }
export const namespaces: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
}
export const clusterRoles: Resource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
}

/** One logical cluster in memory, with its controllers running by a virtual clock. */
export class TestCluster {
  readonly clock = new VirtualClock()
  readonly client: Client
  readonly #server: ApiServer
  readonly #transport: Transport

  private constructor(server: ApiServer, clock: VirtualClock) {
    this.#server = server
    this.clock = clock
    this.#transport = server.transport({ cluster: 'test', user: systemUser })
    this.client = new Client({ transport: this.#transport, userAgent: 'tests/1' })
  }

  static async start(): Promise<TestCluster> {
    const clock = new VirtualClock()
    const server = await ApiServer.open({ clock, random: seededRandom(1) })
    await server.cluster('test')
    return new TestCluster(server, clock)
  }

  /** Lets the controllers react to what was written. */
  settle(): Promise<void> {
    return this.clock.advance(0)
  }

  async stop(): Promise<void> {
    await this.#transport.close()
    await this.#server.close()
  }

  create(
    resource: Resource,
    name: string,
    metadata: Partial<KubeObject['metadata']> = {},
    rest: object = {},
  ): Promise<KubeObject> {
    const place = resource.namespaced ? { namespace: 'default' } : {}
    return this.client.create<KubeObject>(resource, {
      apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: { name, ...place, ...metadata },
      ...rest,
    })
  }

  /** The object, or undefined when it is gone. */
  async find(resource: Resource, name: string, namespace?: string): Promise<KubeObject | undefined> {
    const place = resource.namespaced ? (namespace ?? 'default') : undefined
    try {
      return await this.client.get<KubeObject>(resource, name, place)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async names(resource: Resource): Promise<string[]> {
    const { items } = await this.client.list(resource)
    return items.map(({ metadata }) => metadata.name)
  }

  async dropFinalizers(resource: Resource, name: string, namespace = 'default'): Promise<void> {
    const target = resource.namespaced ? { name, namespace } : { name }
    await this.client.patch(resource, target, { metadata: { finalizers: null } }, { type: 'merge' })
  }
}

/** A reference to `owner`, as a dependent carries it. */
export function ownedBy(owner: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference {
  const { apiVersion, kind, metadata } = owner
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid!, ...more }
}
