import { StepServer, valueAt, valuesBelow, type Change, type HeldValue, type ServerState } from '@locktender/apiserver'
import {
  customResourceDefinitions,
  isAlreadyExists,
  namespaces,
  objectKey,
  parseLabelSelector,
  type Client,
  type EncodedObject,
  type KubeObject,
  type Resource,
} from '@locktender/kube'
import type { Scope } from '../controller.ts'
import { keepFields } from '../fields.ts'
import { Normaliser, type NormalObject } from './normal-form.ts'
import type { ClusterSetup, ObjectsState, Scenario } from './scenario.ts'

/** The virtual moment at which every schedule begins. */
export const BEGINNING_MS = Date.UTC(2026, 0, 5, 8)

/** Resources whose objects only tell what happened. */
const TALES = [
  { group: '', plural: 'events' },
  { group: 'events.k8s.io', plural: 'events' },
]

type Tale = Pick<Resource, 'group' | 'plural'>

/** What a read with a scope shows of the stored objects. Parsed at most once for all schedules, and frozen. */
export interface Lens {
  /** Of the keys of all objects it may show. */
  readonly prefix: string
  /** Undefined for what it does not show. */
  see(value: HeldValue): EncodedObject | undefined
  /** Undefined for a change of what it shows neither before nor after. */
  sight(change: Change): Sight | undefined
}

/** An object before and after a change, as far as a read shows it. */
export interface Sight {
  readonly before: EncodedObject | undefined
  readonly after: EncodedObject | undefined
}

/** One API server of a scenario at its beginning, with all that schedules share. */
export class PreparedServer {
  /** The first of the names it has in the scenario. */
  readonly name: string
  readonly server: StepServer
  readonly #normaliser: Normaliser
  readonly #normal = new WeakMap<HeldValue, NormalObject>()
  readonly #lenses = new Map<string, Lens>()
  readonly #tales: readonly string[]

  private constructor(name: string, server: StepServer, normaliser: Normaliser, tales: readonly Tale[]) {
    this.name = name
    this.server = server
    this.#normaliser = normaliser
    this.#tales = [...TALES, ...tales].map(({ group, plural }) => `/${group}/${plural}/`)
  }

  static async open(
    name: string,
    setup: ClusterSetup,
    normaliser: Normaliser,
    tales: readonly Tale[] = [],
  ): Promise<PreparedServer> {
    const server = await StepServer.open(
      BEGINNING_MS,
      async (client) => {
        for (const definition of setup.definitions ?? []) await client.create(customResourceDefinitions, definition)
        for (const object of setup.objects ?? []) await makeInitial(client, object, setup.definitions ?? [])
      },
      setup.admission,
    )
    return new PreparedServer(name, server, normaliser, tales)
  }

  /** @throws TypeError when nothing serves the resource */
  lens(resource: Resource, scope: Scope = {}, fields?: readonly string[]): Lens {
    const { namespace = '', name = '', labelSelector = '' } = scope
    const { group, version, plural } = resource
    const id = [group, version, plural, namespace, name, labelSelector, ...(fields ?? ['*'])].join(' ')
    let lens = this.#lenses.get(id)
    if (lens === undefined) this.#lenses.set(id, (lens = this.#makeLens(resource, scope, fields)))
    return lens
  }

  /** The objects of a state. */
  objects(state: () => ServerState): ObjectsState {
    return {
      get: <T extends KubeObject>(resource: Resource, name: string, namespace?: string) => {
        const lens = this.lens(resource)
        const value = valueAt(state(), `${lens.prefix}${resource.namespaced ? (namespace ?? '') : ''}/${name}`)
        return value === undefined ? undefined : lens.see(value)?.object<T>()
      },
      list: <T extends KubeObject>(resource: Resource, namespace?: string) => {
        const lens = this.lens(resource, namespace === undefined ? {} : { namespace })
        return valuesBelow(state(), lens.prefix).map((value) => lens.see(value)!.object<T>())
      },
    }
  }

  /** Whether what is stored below a prefix only tells what happened. */
  isTale(prefix: string): boolean {
    return this.#tales.some((tale) => prefix.endsWith(tale))
  }

  /** The normal form of a stored object. */
  normal(value: HeldValue): NormalObject {
    let normal = this.#normal.get(value)
    if (normal === undefined) this.#normal.set(value, (normal = this.#normaliser.normalise(parse(value.value))))
    return normal
  }

  #makeLens(
    resource: Resource,
    { namespace, name, labelSelector }: Scope,
    fields: readonly string[] | undefined,
  ): Lens {
    const place = this.server.place(resource, namespace)
    if (place === undefined) {
      const { plural, group, version } = resource
      throw new TypeError(
        `the API server ${this.name} serves no ${plural} of ${group === '' ? version : `${group}/${version}`}: add the definition to its cluster in the scenario`,
      )
    }
    const selector = labelSelector === undefined ? undefined : parseLabelSelector(labelSelector)
    const keep = fields === undefined ? undefined : keepFields(fields)
    const seen = new WeakMap<HeldValue, EncodedObject | null>()
    const look = (value: HeldValue): EncodedObject | null => {
      const whole = parse(place.bytes(value))
      if (name !== undefined && whole.metadata.name !== name) return null
      if (selector !== undefined && !selector.matches(whole.metadata.labels)) return null
      const object = deepFreeze(keep === undefined ? whole : keep(whole))
      // An array of its own, which caches can keep as it is.
      const bytes = new Uint8Array(Buffer.from(JSON.stringify(object)))
      const resourceVersion = object.metadata.resourceVersion ?? ''
      return { key: objectKey(object), resourceVersion, bytes, object: <T extends KubeObject>() => object as T }
    }
    const see = (value: HeldValue | undefined): EncodedObject | undefined => {
      if (value === undefined) return undefined
      let found = seen.get(value)
      if (found === undefined) seen.set(value, (found = look(value)))
      return found ?? undefined
    }
    const { prefix } = place
    const sights = new WeakMap<Change, Sight | null>()
    return {
      prefix,
      see,
      sight(change) {
        if (!change.key.startsWith(prefix)) return undefined
        let sight = sights.get(change)
        if (sight === undefined) {
          const [before, after] = [see(change.before), see(change.after)]
          sight = before === undefined && after === undefined ? null : { before, after }
          sights.set(change, sight)
        }
        return sight ?? undefined
      },
    }
  }
}

/** The API servers of a scenario by every name they have. */
export async function prepareServers(scenario: Scenario): Promise<ReadonlyMap<string, PreparedServer>> {
  const normaliser = new Normaliser(scenario.ignoredFields)
  const servers = new Map<string, PreparedServer>()
  for (const [name, setup] of Object.entries(scenario.clusters)) {
    if (setup.sameAs === undefined)
      servers.set(name, await PreparedServer.open(name, setup, normaliser, scenario.tales))
  }
  for (const [name, { sameAs }] of Object.entries(scenario.clusters)) {
    if (sameAs === undefined) continue
    const same = servers.get(sameAs)
    if (same === undefined) throw new RangeError(`the cluster ${name} is the same as ${sameAs}, which is none`)
    servers.set(name, same)
  }
  return servers
}

/** Makes an object with its status, in a namespace that is made when it is missing. */
async function makeInitial(client: Client, object: KubeObject, definitions: readonly KubeObject[]): Promise<void> {
  const { namespace } = object.metadata
  if (namespace !== undefined) {
    const made: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    await client.create(namespaces, made).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  }
  const resource = await resourceOf(client, object, definitions)
  const created = await client.create<KubeObject & { status?: unknown }>(resource, object)
  const { status } = object as { status?: unknown }
  if (status === undefined || JSON.stringify(created.status) === JSON.stringify(status)) return
  await client.patch(resource, created.metadata, { status }, { type: 'merge', subresource: 'status' })
}

/** The resource that an object is one of, as the server tells. */
export async function resourceOf(
  client: Client,
  { apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>,
  definitions: readonly KubeObject[] = [],
): Promise<Resource> {
  const slash = apiVersion.indexOf('/')
  const group = slash === -1 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  for (const definition of definitions) {
    const { spec } = definition as unknown as DefinedSpec
    if (spec.group !== group || spec.names.kind !== kind) continue
    return { group, version, plural: spec.names.plural, kind, namespaced: spec.scope === 'Namespaced' }
  }
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const { resources } = await client.requestJson<{ resources: (Resource & { name: string })[] }>('GET', root)
  const found = resources.find((one) => one.kind === kind && !one.name.includes('/'))
  if (found === undefined) throw new TypeError(`no resource of ${apiVersion} is of the kind ${kind}`)
  return { group, version, plural: found.name, kind, namespaced: found.namespaced }
}

interface DefinedSpec {
  readonly spec: {
    readonly group: string
    readonly scope: string
    readonly names: { readonly plural: string; readonly kind: string }
  }
}

function parse(bytes: Uint8Array): KubeObject {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as KubeObject
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}
