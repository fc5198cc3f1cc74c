import { type Client, isNotFound, type Resource } from '@locktender/kube'
import type { ResourceId } from '../once/resource-lists.ts'

interface ResourceDocument {
  readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[]
}

/** What API servers say they serve, asked once for each group and version. */
export class ServedResources {
  readonly #known = new Map<Client, Map<string, ResourceDocument>>()

  /** @throws ConnectionError when a server does not answer */
  async ask(client: Client, { group, version }: Pick<ResourceId, 'group' | 'version'>): Promise<void> {
    const known = this.#known.get(client) ?? new Map<string, ResourceDocument>()
    this.#known.set(client, known)
    const path = pathOf(group, version)
    if (known.has(path)) return
    try {
      known.set(path, await client.requestJson<ResourceDocument>('GET', path))
    } catch (error) {
      if (!isNotFound(error)) throw error
      known.set(path, {})
    }
  }

  /** Of what was asked before; undefined when it is not served. */
  find(client: Client, { group, version, resource }: ResourceId): Resource | undefined {
    const { resources = [] } = this.#known.get(client)?.get(pathOf(group, version)) ?? {}
    const found = resources.find(({ name }) => name === resource)
    return found && { group, version, plural: resource, kind: found.kind, namespaced: found.namespaced }
  }
}

function pathOf(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`
}
