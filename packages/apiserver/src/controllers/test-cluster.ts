import { Client, isNotFound, seededRandom, VirtualClock } from '@locktender/kube'
import type { KubeObject, OwnerReference, Resource, Transport } from '@locktender/kube'
import { ApiServer } from '../server.ts'
import { MemoryDisk } from '../store/memory-disk.ts'
import { systemUser } from '../user.ts'

/** One logical cluster in memory, with its controllers running by a virtual clock. */
export class TestCluster {
  readonly clock = new VirtualClock()
  readonly #disk = new MemoryDisk(seededRandom(1))
  #lives = 0
  #client: Client | undefined
  #server: ApiServer | undefined
  #transport: Transport | undefined

  static async start(): Promise<TestCluster> {
    const cluster = new TestCluster()
    await cluster.#open()
    return cluster
  }

  get client(): Client {
    return this.#client!
  }

  /** Closes the server and opens it again on the same data. */
  async restart(): Promise<void> {
    await this.stop()
    await this.#open()
    await this.settle()
  }

  async #open(): Promise<void> {
    const { clock } = this
    const random = seededRandom(++this.#lives)
    this.#server = await ApiServer.open({ clock, random, dataDirectory: '/data', files: this.#disk.session() })
    await this.#server.cluster('test')
    this.#transport = this.#server.transport({ cluster: 'test', user: systemUser })
    this.#client = new Client({ transport: this.#transport, userAgent: 'tests/1' })
  }

  /** Lets the controllers react to what was written. */
  settle(): Promise<void> {
    return this.clock.advance(0)
  }

  async stop(): Promise<void> {
    await this.#transport?.close()
    await this.#server?.close()
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
