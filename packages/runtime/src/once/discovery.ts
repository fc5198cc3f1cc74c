import { isObject, type Json, type Resource } from '@locktender/kube'

/** What discovery says of a resource. */
export interface DiscoveredResource extends Resource {
  readonly subresources: readonly string[]
}

/** Resources by group and plural name, as discovery or a declaration tells them. */
export class Discovery {
  readonly #resources = new Map<string, DiscoveredResource>()

  /** Resources of aggregated discovery documents (APIGroupDiscoveryList, v2 or v2beta1). */
  static fromDocuments(documents: readonly unknown[]): Discovery {
    const discovery = new Discovery()
    for (const document of documents) {
      for (const group of listOf(document, 'items')) {
        const name = textOf(memberOf(group, 'metadata'), 'name')
        for (const version of listOf(group, 'versions')) {
          for (const resource of listOf(version, 'resources')) {
            discovery.#enter(resourceOf(name, textOf(version, 'version'), resource))
          }
        }
      }
    }
    return discovery
  }

  static fromResources(resources: Iterable<Resource>): Discovery {
    const discovery = new Discovery()
    for (const resource of resources) discovery.#enter({ ...resource, subresources: [] })
    return discovery
  }

  #enter(resource: DiscoveredResource): void {
    const key = keyOf(resource.group, resource.version, resource.plural)
    if (!this.#resources.has(key)) this.#resources.set(key, resource)
  }

  find(group: string, version: string, plural: string): DiscoveredResource | undefined {
    return this.#resources.get(keyOf(group, version, plural))
  }

  resources(): DiscoveredResource[] {
    return [...this.#resources.values()]
  }

  /** The document served at `/api` (core) or `/apis`. */
  document(core: boolean): object {
    const groups = new Map<string, Map<string, DiscoveredResource[]>>()
    for (const resource of this.#resources.values()) {
      if ((resource.group === '') !== core) continue
      const versions = groups.get(resource.group) ?? new Map<string, DiscoveredResource[]>()
      groups.set(resource.group, versions)
      versions.set(resource.version, [...(versions.get(resource.version) ?? []), resource])
    }
    return {
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2',
      metadata: {},
      items: [...groups].map(([group, versions]) => ({
        metadata: group === '' ? {} : { name: group },
        versions: [...versions].map(([version, resources]) => ({
          version,
          resources: resources.map(written),
          freshness: 'Current',
        })),
      })),
    }
  }
}

function keyOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`
}

function resourceOf(group: string, version: string, entry: Json | undefined): DiscoveredResource {
  return {
    group,
    version,
    plural: textOf(entry, 'resource'),
    kind: textOf(memberOf(entry, 'responseKind'), 'kind'),
    namespaced: textOf(entry, 'scope') === 'Namespaced',
    subresources: listOf(entry, 'subresources').map((subresource) => textOf(subresource, 'subresource')),
  }
}

function written(resource: DiscoveredResource): object {
  const { group, version, plural, kind, namespaced, subresources } = resource
  const responseKind = { group, version, kind }
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.toLowerCase(),
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    ...(subresources.length > 0 && {
      subresources: subresources.map((subresource) => ({
        subresource,
        responseKind,
        verbs: ['get', 'patch', 'update'],
      })),
    }),
  }
}

function memberOf(value: unknown, name: string): Json | undefined {
  return isObject(value as Json) ? (value as Record<string, Json>)[name] : undefined
}

function listOf(value: unknown, name: string): readonly Json[] {
  const list = memberOf(value, name)
  return Array.isArray(list) ? list : []
}

function textOf(value: unknown, name: string): string {
  const text = memberOf(value, name)
  return typeof text === 'string' ? text : ''
}
