import type { KubeObject, ObjectCache } from '@locktender/kube'
import type { World } from '../controller.ts'
import type { AppliedRequest } from '../once/apply-output.ts'
import { gatherInputs, type ObjectSource } from '../once/prune.ts'
import type { Destination, RecordedRequest } from '../once/recorded-request.ts'
import type { InputResources, ResourceId } from '../once/resource-lists.ts'
import type { DeclaredAccess, InputRead } from './declared-access.ts'
import { digestOf, type GivenInputs } from './operator-state.ts'

/** What an operator is given, with the objects as they were. */
export interface Gathered extends GivenInputs {
  readonly files: ReadonlyMap<string, string>
  readonly objects: ReadonlyMap<string, KubeObject>
}

interface Names {
  readonly access: DeclaredAccess
  /** The controller's names of API servers. */
  readonly clusters: Readonly<Record<Destination, string>>
}

/** The inputs of an operator, from the caches of what is declared. */
export async function gatherFromCaches(world: World, inputs: InputResources, names: Names): Promise<Gathered> {
  const objects = new Map<string, KubeObject>()
  const versions = new Map<string, string>()
  const enter = (read: InputRead, object: KubeObject) => {
    const { group, plural } = read.resource
    const { namespace = '', name, resourceVersion = '' } = object.metadata
    const id = objectId(names.clusters[read.destination], { group, plural, namespace, name })
    objects.set(id, object)
    versions.set(id, resourceVersion)
    return object
  }
  const readsOf = (resource: ResourceId) => {
    const destination = names.access.destinationOf(resource)
    return names.access.reads.filter(
      (read) =>
        read.destination === destination &&
        read.resource.group === resource.group &&
        read.resource.plural === resource.resource &&
        (!read.resource.namespaced || (read.namespace ?? '') === (resource.namespace ?? '')),
    )
  }
  const source: ObjectSource = {
    get(resource) {
      for (const read of readsOf(resource)) {
        if (read.name !== undefined && read.name !== resource.name) continue
        const object = cacheOf(world, names, read).get(keyOf(read, resource))
        if (object !== undefined) return enter(read, object)
      }
      return undefined
    },
    list(resource) {
      const found = new Map<string, KubeObject>()
      for (const read of readsOf(resource)) {
        if (read.name !== undefined) continue
        for (const object of cacheOf(world, names, read).values()) {
          if (object.metadata.name.startsWith(read.prefix ?? '')) {
            found.set(`${object.metadata.namespace ?? ''}/${object.metadata.name}`, enter(read, object))
          }
        }
      }
      return found.values()
    },
  }
  const files = await gatherInputs(inputs, source, (list) => JSON.stringify(list, undefined, 1))
  return { files, objects, versions, digest: digestOf(files) }
}

/** What an object is called among the inputs and the writes of an operator. */
export function objectId(
  cluster: string,
  { group, plural, namespace, name }: Pick<RecordedRequest, 'group' | 'plural' | 'namespace' | 'name'>,
): string {
  return [cluster, group, plural, namespace, name].join(' ')
}

/** Writes that the caches of inputs are yet to show: an operator must not run before it can see what it did. */
export function unseenWrites(world: World, applied: readonly AppliedRequest[], names: Names): AppliedRequest[] {
  return applied.filter(({ destination, request, object }) => {
    const name = object?.metadata.name ?? request.name
    const target = { name, namespace: request.namespace }
    const reads = names.access.reads.filter(
      (read) =>
        names.clusters[read.destination] === names.clusters[destination] &&
        read.resource.group === request.group &&
        read.resource.plural === request.plural &&
        (read.name ?? name) === name &&
        (read.namespace ?? request.namespace) === request.namespace &&
        // Whether a selector still fits is for the API server to say.
        read.labelSelector === undefined,
    )
    return reads.some((read) => {
      const cached = cacheOf(world, names, read).get(keyOf(read, target))
      if (object === undefined) return cached !== undefined
      if (cached === undefined) return object.metadata.deletionTimestamp === undefined
      return cached.metadata.uid === object.metadata.uid && isOlder(cached, object)
    })
  })
}

/** Versions of one API server can be compared since Kubernetes 1.35; where they cannot, unequal counts as newer. */
function isOlder(cached: KubeObject, object: KubeObject): boolean {
  const [seen = '', wanted = ''] = [cached.metadata.resourceVersion, object.metadata.resourceVersion]
  return /^\d+$/.test(seen) && /^\d+$/.test(wanted) && BigInt(seen) < BigInt(wanted)
}

function cacheOf(world: World, { clusters }: Names, read: InputRead): ObjectCache<KubeObject> {
  const { namespace, name, labelSelector } = read
  const scope = {
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(labelSelector !== undefined && { labelSelector }),
  }
  return world.cluster(clusters[read.destination]).cache<KubeObject>(read.resource, scope)
}

function keyOf(
  { resource }: InputRead,
  { namespace = '', name }: { readonly namespace?: string; readonly name: string },
): string {
  return resource.namespaced ? `${namespace}/${name}` : name
}
