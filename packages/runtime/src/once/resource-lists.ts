import { isObject, type Json, type LabelSelectorObject, parseLabelSelector, type Resource } from '@locktender/kube'
import type { Controller, Watch, Write } from '../controller.ts'
import { CONFIGURATION, MANAGEMENT, type Operator, USER_WORKLOAD } from '../operator.ts'
import { type Destination, DESTINATIONS, isEvent, type RecordedRequest } from './recorded-request.ts'

export interface ResourceId {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly namespace?: string
}

/** One object; in lists of generated names, `name` is the prefix. */
export interface NamedResource extends ResourceId {
  readonly name: string
}

export interface LabelSelectedResource extends ResourceId {
  readonly labelSelector: LabelSelectorObject
}

export interface ResourceReference {
  readonly referringResource: NamedResource
  readonly type: string
  readonly implicitNamespacedReference?: ResourceId & { readonly namespace: string; readonly nameJSONPath: string }
  readonly explicitNamespacedReference?: object
  readonly clusterScopedReference?: object
}

export interface ResourceList {
  readonly exactResources?: readonly NamedResource[]
  readonly generatedNameResources?: readonly NamedResource[]
  readonly labelSelectedResources?: readonly LabelSelectedResource[]
  readonly resourceReferences?: readonly ResourceReference[]
}

/** What `input-resources` prints. */
export interface InputResources {
  readonly applyConfigurationResources: ResourceList
  readonly operandResources: {
    readonly configurationResources: ResourceList
    readonly managementResources: ResourceList
    readonly userWorkloadResources: ResourceList
  }
}

export interface WritableList {
  readonly exactResources?: readonly NamedResource[]
  readonly generatedNameResources?: readonly NamedResource[]
  readonly eventingNamespaces?: readonly string[]
}

/** What `output-resources` prints. */
export interface OutputResources {
  readonly configurationResources: WritableList
  readonly managementResources: WritableList
  readonly userWorkloadResources: WritableList
}

/** Where requests to the API servers that controllers know are recorded. */
export const DESTINATION_OF: Readonly<Record<string, Destination>> = {
  [CONFIGURATION]: 'Configuration',
  [MANAGEMENT]: 'Management',
  [USER_WORKLOAD]: 'UserWorkload',
}

/** The list of what may be written to an API server. */
export const LIST_OF = {
  Configuration: 'configurationResources',
  Management: 'managementResources',
  UserWorkload: 'userWorkloadResources',
} as const satisfies Record<Destination, keyof OutputResources>

export type ReferenceType = 'ImplicitNamespacedReference'
const REFERENCE: ReferenceType = 'ImplicitNamespacedReference'

/** A declaration that the published documents have no words for, or a document that breaks their rules. */
export class ResourceListError extends Error {
  override readonly name = 'ResourceListError'
}

/**
 * The inputs of an operator, from what its controllers read. What they write in the configuration is read, too.
 * @throws ResourceListError for reads without a name and without a selector
 */
export function inputResources(operator: Operator, controllers: readonly Controller[]): InputResources {
  const exact: NamedResource[] = []
  const selected: LabelSelectedResource[] = []
  for (const controller of controllers) {
    for (const watch of controller.reads) enterRead(controller, watch, exact, selected)
  }
  const { configurationResources } = outputResources(operator, controllers)
  const generated = [...(configurationResources.generatedNameResources ?? [])]
  const references = (operator.inputs?.references ?? []).map(
    ({ from, resource, namespace, nameJSONPath }): ResourceReference => ({
      referringResource: named(from.resource, from.namespace, from.name),
      type: REFERENCE,
      implicitNamespacedReference: { ...idOf(resource), namespace, nameJSONPath },
    }),
  )
  const operands = (destination: Destination): ResourceList => {
    const lists: { exact: NamedResource[]; selected: LabelSelectedResource[] } = { exact: [], selected: [] }
    for (const { cluster, resource, namespace, name, labelSelector } of operator.inputs?.operands ?? []) {
      if (DESTINATION_OF[cluster] !== destination) continue
      if (name !== undefined) lists.exact.push(named(resource, namespace, name))
      else if (labelSelector !== undefined) {
        lists.selected.push({ ...idOf(resource, namespace), labelSelector: { matchLabels: labelSelector } })
      } else {
        const what = `the operand ${resource.plural} of ${operator.name}`
        throw new ResourceListError(`${what} has neither name nor labelSelector: give it one`)
      }
    }
    return listOf({ exactResources: lists.exact, labelSelectedResources: lists.selected })
  }
  return {
    applyConfigurationResources: listOf({
      exactResources: distinct([...exact, ...(configurationResources.exactResources ?? [])]),
      generatedNameResources: distinct(generated),
      labelSelectedResources: distinct(selected),
      resourceReferences: references,
    }),
    operandResources: {
      configurationResources: operands('Configuration'),
      managementResources: operands('Management'),
      userWorkloadResources: operands('UserWorkload'),
    },
  }
}

/**
 * The outputs of an operator, from what its controllers write.
 * @throws ResourceListError for writes without a name
 */
export function outputResources(operator: Operator, controllers: readonly Controller[]): OutputResources {
  const writable = (destination: Destination): WritableList => {
    const exact: NamedResource[] = []
    const generated: NamedResource[] = []
    const eventing = Object.entries(operator.eventNamespaces ?? {})
      .filter(([cluster]) => DESTINATION_OF[cluster] === destination)
      .flatMap(([, namespaces]) => namespaces)
    for (const controller of controllers) {
      for (const write of controller.writes) {
        if (destinationOf(controller, write.cluster) !== destination) continue
        const { resource, namespace, name, generateName } = write
        if (isEvent(resource) && name === undefined && namespace !== undefined) eventing.push(namespace)
        else if (generateName !== undefined) generated.push(named(resource, namespace, generateName))
        else if (name !== undefined) exact.push(named(resource, namespace, name))
        else throw unnamed(controller, 'writes', write, 'a name, or the generateName of what it creates')
      }
    }
    return listOf({
      exactResources: distinct(exact),
      generatedNameResources: distinct(generated),
      eventingNamespaces: [...new Set(eventing)],
    })
  }
  return {
    configurationResources: writable('Configuration'),
    managementResources: writable('Management'),
    userWorkloadResources: writable('UserWorkload'),
  }
}

/** The API servers whose lists allow a request. Versions do not count. */
export function allowedDestinations(
  outputs: OutputResources,
  request: Pick<RecordedRequest, 'group' | 'plural' | 'namespace' | 'name' | 'generateName'>,
): Destination[] {
  const isSame = (entry: NamedResource, name: string) =>
    entry.group === request.group &&
    entry.resource === request.plural &&
    (entry.namespace ?? '') === request.namespace &&
    entry.name === name
  return DESTINATIONS.filter((destination) => {
    const { exactResources = [], generatedNameResources = [], eventingNamespaces = [] } = outputs[LIST_OF[destination]]
    return (
      (isEvent(request) && eventingNamespaces.includes(request.namespace)) ||
      (request.generateName === '' && exactResources.some((entry) => isSame(entry, request.name))) ||
      (request.name === '' && generatedNameResources.some((entry) => isSame(entry, request.generateName)))
    )
  })
}

/** @throws ResourceListError for an API server that these documents do not know */
export function destinationOf(controller: Pick<Controller, 'name'>, cluster: string): Destination {
  const destination = DESTINATION_OF[cluster]
  if (destination !== undefined) return destination
  throw new ResourceListError(
    `controller ${controller.name} uses the API server ${cluster}; operators know ${Object.keys(DESTINATION_OF).join(', ')}`,
  )
}

/**
 * What is wrong with a document of inputs, each with its path; nothing when it may be used.
 */
export function inputProblems(inputs: InputResources, isPath: (path: string) => string | undefined): string[] {
  const problems: string[] = []
  const check = (list: ResourceList | undefined, at: string) => {
    const { exactResources = [], labelSelectedResources = [], resourceReferences = [] } = list ?? {}
    const required = (
      entry: ResourceId & { name?: string },
      where: string,
      fields: readonly (keyof NamedResource)[],
    ) => {
      for (const field of fields) if ((entry[field] ?? '') === '') problems.push(`${where}.${field} is required`)
    }
    for (const [index, entry] of exactResources.entries()) {
      required(entry, `${at}.exactResources[${index}]`, ['version', 'resource', 'name'])
    }
    for (const [index, entry] of labelSelectedResources.entries()) {
      const where = `${at}.labelSelectedResources[${index}]`
      required(entry, where, ['version', 'resource'])
      if ((entry.labelSelector?.matchExpressions ?? []).length > 0) {
        problems.push(`${where}.labelSelector.matchExpressions is not supported; use matchLabels`)
      }
    }
    for (const [index, entry] of resourceReferences.entries()) {
      const where = `${at}.resourceReferences[${index}]`
      required(entry.referringResource, `${where}.referringResource`, ['version', 'resource', 'name'])
      const reference = entry.implicitNamespacedReference
      if (entry.type !== REFERENCE) {
        problems.push(`${where}.type ${JSON.stringify(entry.type)} is not supported; use ${REFERENCE}`)
      } else if (reference === undefined) {
        problems.push(`${where}.implicitNamespacedReference is required`)
      } else {
        const place = `${where}.implicitNamespacedReference`
        required(reference, place, ['version', 'resource', 'namespace'])
        const why = isPath(reference.nameJSONPath)
        if (why !== undefined) problems.push(`${place}.nameJSONPath cannot be read: ${why}`)
      }
    }
  }
  check(inputs.applyConfigurationResources, 'applyConfigurationResources')
  for (const [name, list] of Object.entries(inputs.operandResources ?? {}))
    check(list as ResourceList, `operandResources.${name}`)
  return problems
}

/**
 * A document of inputs as read from a file; empty groups, namespaces and the like may be null there.
 * @throws ResourceListError when it is none
 */
export function inputResourcesFrom(document: unknown): InputResources {
  const clean = withoutNulls(document as Json)
  if (!isObject(clean)) throw new ResourceListError('it holds no lists of resources')
  const { applyConfigurationResources = {}, operandResources = {} } = clean as Partial<
    Record<keyof InputResources, { [key: string]: Json }>
  >
  return {
    applyConfigurationResources: withGroups(applyConfigurationResources) as ResourceList,
    operandResources: {
      configurationResources: {},
      managementResources: {},
      userWorkloadResources: {},
      ...(withGroups(operandResources) as object),
    },
  }
}

/**
 * A document of outputs as read from a file.
 * @throws ResourceListError when it is none
 */
export function outputResourcesFrom(document: unknown): OutputResources {
  const clean = withoutNulls(document as Json)
  if (!isObject(clean)) throw new ResourceListError('it holds no lists of resources')
  const lists = Object.values(LIST_OF).map((name): [string, Json] => {
    const list = clean[name] ?? {}
    const isList = isObject(list) && Object.values(list).every((entries) => Array.isArray(entries))
    if (!isList) throw new ResourceListError(`${name} holds no lists`)
    return [name, withGroups(list)]
  })
  return Object.fromEntries(lists) as unknown as OutputResources
}

/** The core group may be left out. */
function withGroups(value: Json): Json {
  if (Array.isArray(value)) return value.map(withGroups)
  if (!isObject(value)) return value
  const members = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withGroups(member)]))
  return 'resource' in members ? { group: '', ...members } : members
}

function enterRead(
  controller: Controller,
  watch: Watch,
  exact: NamedResource[],
  selected: LabelSelectedResource[],
): void {
  destinationOf(controller, watch.cluster)
  const { resource, namespace, name, labelSelector } = watch
  if (name !== undefined) {
    exact.push(named(resource, namespace, name))
    return
  }
  if (labelSelector === undefined) throw unnamed(controller, 'reads', watch, 'a name or a labelSelector')
  const matchLabels: Record<string, string> = {}
  for (const { key, operator, values } of parseLabelSelector(labelSelector).requirements) {
    if (operator !== '=') {
      const what = `controller ${controller.name} selects ${resource.plural} by ${labelSelector}`
      throw new ResourceListError(`${what}; only labels with one value each can be published: write key=value`)
    }
    matchLabels[key] = values[0]!
  }
  selected.push({ ...idOf(resource, namespace), labelSelector: { matchLabels } })
}

function unnamed(controller: Controller, list: 'reads' | 'writes', access: Watch | Write, what: string): Error {
  const { resource, cluster } = access
  const full = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
  return new ResourceListError(
    `controller ${controller.name} ${list} all ${full} of ${cluster}, which cannot be published: give that declaration ${what}`,
  )
}

function idOf({ group, version, plural }: Resource, namespace?: string): ResourceId {
  return { group, version, resource: plural, ...(namespace !== undefined && { namespace }) }
}

function named(resource: Resource, namespace: string | undefined, name: string): NamedResource {
  return { ...idOf(resource, namespace), name }
}

function distinct<T>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()]
}

/** Without empty lists. */
function listOf<T extends object>(lists: T): T {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => (list as readonly unknown[]).length > 0)) as T
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === null ? [] : [[key, withoutNulls(member)]])),
  )
}
