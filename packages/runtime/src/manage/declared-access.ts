import { coreEvents, events, type Resource } from '@locktender/kube'
import type { Scope, Write } from '../controller.ts'
import { type Destination, DESTINATIONS } from '../once/recorded-request.ts'
import {
  allowedDestinations,
  type InputResources,
  LIST_OF,
  type NamedResource,
  type OutputResources,
  type ResourceId,
  ResourceListError,
} from '../once/resource-lists.ts'
import { resourceName } from '../sources.ts'

/** Says from which API server an operator is given something; the lists of the contract do not. */
export interface InputRule {
  /** Any when absent. */
  readonly group?: string
  readonly resource?: string
  readonly namespace?: string
  readonly destination: Destination
}

/** What may be reached of one API server. */
export interface Reach {
  /** Namespaces as the operator calls them; all when absent. */
  readonly namespaces?: ReadonlySet<string>
  readonly clusterScoped: boolean
}

/** A read of an operator. */
export interface InputRead extends Scope {
  readonly destination: Destination
  readonly resource: Resource
  /** Only objects whose names begin so. */
  readonly prefix?: string
}

export interface AccessOptions {
  readonly inputs: InputResources
  readonly outputs: OutputResources
  /** The first that fits counts. */
  readonly rules: readonly InputRule[]
  readonly reach: (destination: Destination) => Reach
  /** What an API server calls a resource; undefined when it does not serve it. */
  readonly served: (destination: Destination, resource: ResourceId) => Resource | undefined
  /** Whether two names stand for one API server. */
  readonly isSame: (one: Destination, other: Destination) => boolean
}

/** What an operator reads and writes on real API servers. */
export interface DeclaredAccess {
  readonly reads: readonly InputRead[]
  readonly writes: readonly (Omit<Write, 'cluster'> & { readonly destination: Destination })[]
  /** Inputs that the API servers do not serve, such as those of a kind that is not defined yet. */
  readonly missing: readonly { readonly destination: Destination; readonly resource: ResourceId }[]
  /** The API server that something declared is read from. */
  destinationOf(resource: ResourceId & { readonly name?: string }): Destination
}

/**
 * Declarations of a controller, from the lists of an operator. What is read comes from where a rule says, else from the
 * API server to which the operator may write it, else from the configuration.
 *
 * @throws ResourceListError for what is out of reach, and for inputs that may be on several API servers
 */
export function declaredAccess(options: AccessOptions): DeclaredAccess {
  const { inputs, outputs, reach, served } = options
  const reads = new Map<string, InputRead>()
  const missing: { destination: Destination; resource: ResourceId }[] = []
  const destinationOf = (resource: ResourceId & { readonly name?: string }) => sourceOf(resource, options)
  const enter = (entry: ResourceId & { readonly name?: string }, scope: Omit<Scope, 'namespace'>, prefix?: string) => {
    const destination = destinationOf(entry)
    const namespace = entry.namespace === '' ? undefined : entry.namespace
    const resource = served(destination, entry)
    if (resource === undefined) {
      missing.push({ destination, resource: entry })
      return
    }
    checkReach(reach(destination), destination, resource, namespace, 'be given')
    const read: InputRead = {
      destination,
      resource,
      ...(namespace !== undefined && resource.namespaced && { namespace }),
      ...scope,
      ...(prefix !== undefined && { prefix }),
    }
    reads.set(JSON.stringify(read), read)
  }
  const { exactResources, generatedNameResources, labelSelectedResources, resourceReferences } =
    inputs.applyConfigurationResources
  for (const entry of exactResources ?? []) enter(entry, { name: entry.name })
  for (const entry of generatedNameResources ?? []) enter(entry, {}, entry.name)
  for (const entry of labelSelectedResources ?? []) {
    const labels = Object.entries(entry.labelSelector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
    enter(entry, labels.length === 0 ? {} : { labelSelector: labels.join(',') })
  }
  for (const { referringResource, implicitNamespacedReference } of resourceReferences ?? []) {
    enter(referringResource, { name: referringResource.name })
    // Which of them is meant is known only when the referring object is.
    if (implicitNamespacedReference !== undefined) enter(implicitNamespacedReference, {})
  }
  return { reads: [...reads.values()], writes: writesOf(outputs, reach), missing, destinationOf }
}

function writesOf(outputs: OutputResources, reach: AccessOptions['reach']): DeclaredAccess['writes'] {
  return DESTINATIONS.flatMap((destination) => {
    const { exactResources = [], generatedNameResources = [], eventingNamespaces = [] } = outputs[LIST_OF[destination]]
    const write = (entry: NamedResource, more: Pick<Write, 'name' | 'generateName' | 'subresource'>) => {
      const resource = asWritten(entry)
      const namespace = resource.namespaced ? entry.namespace : undefined
      checkReach(reach(destination), destination, resource, namespace, 'write')
      return { destination, resource, ...(namespace !== undefined && { namespace }), ...more }
    }
    return [
      ...exactResources.flatMap((entry) => [
        write(entry, { name: entry.name }),
        write(entry, { name: entry.name, subresource: 'status' }),
      ]),
      ...generatedNameResources.map((entry) => write(entry, { generateName: entry.name })),
      ...eventingNamespaces.flatMap((namespace) =>
        [coreEvents, events].map((resource) => {
          checkReach(reach(destination), destination, resource, namespace, 'write')
          return { destination, resource, namespace }
        }),
      ),
    ]
  })
}

/** Requests say all that is needed to send them but what the kind is called, and for that nobody asks. */
function asWritten({ group, version, resource, namespace = '' }: NamedResource): Resource {
  return { group, version, plural: resource, kind: resource, namespaced: namespace !== '' }
}

function sourceOf(entry: ResourceId & { readonly name?: string }, options: AccessOptions): Destination {
  const { outputs, rules, isSame } = options
  const namespace = entry.namespace ?? ''
  const rule = rules.find(
    (candidate) =>
      (candidate.group ?? entry.group) === entry.group &&
      (candidate.resource ?? entry.resource) === entry.resource &&
      (candidate.namespace ?? namespace) === namespace,
  )
  if (rule !== undefined) return rule.destination
  const { group, resource, name = '' } = entry
  const written = (given: { name: string; generateName: string }) =>
    allowedDestinations(outputs, { group, plural: resource, namespace, ...given })
  const [first, ...others] = new Set([
    ...written({ name, generateName: '' }),
    ...written({ name: '', generateName: name }),
  ])
  if (first === undefined) return 'Configuration'
  const other = others.find((candidate) => !isSame(first, candidate))
  if (other === undefined) return first
  const what = `${resourceName({ group, plural: resource })} ${namespace === '' ? '' : `${namespace}/`}${name}`
  throw new ResourceListError(
    `${what} may be read from ${first} and from ${other}, since the operator may write it on both: say which under its inputs`,
  )
}

function checkReach(
  { namespaces, clusterScoped }: Reach,
  destination: Destination,
  resource: Resource,
  namespace: string | undefined,
  verb: string,
): void {
  if (namespaces === undefined) return
  const what = `the operator wants to ${verb} ${resourceName(resource)}`
  if (!resource.namespaced) {
    if (clusterScoped) return
    throw new ResourceListError(
      `${what} of ${destination}, where it is kept to its namespaces: set clusterScoped there if it may`,
    )
  }
  if (namespace !== undefined && namespaces.has(namespace)) return
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`
  throw new ResourceListError(
    `${what} in ${where} of ${destination}, where only ${[...namespaces].sort().join(', ')} are mapped for it`,
  )
}
