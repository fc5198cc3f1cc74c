import { ObjectCache, parseLabelSelector, Reflector } from '@locktender/kube'
import type { Client, Clock, KubeObject, Random, Resource } from '@locktender/kube'
import type { Controller, ObjectEvent, Scope, Watch } from './controller.ts'
import { UndeclaredAccessError } from './errors.ts'
import { keepFields } from './fields.ts'
import { Echoes } from './loop-breaker.ts'

export interface SourcesOptions {
  readonly clusters: Readonly<Record<string, Client>>
  readonly clock: Clock
  readonly random: Random
  readonly watchQuietMs?: number
}

/** How a watch is doing. */
export interface SourceHealth {
  /** Name of the API server, the first of several. */
  readonly cluster: string
  /** `plural.group`, with what narrows it: `secrets in kube-system`. */
  readonly reads: string
  readonly synced: boolean
  /** Milliseconds since the server last said anything; absent before it did. */
  readonly quietForMs?: number
  readonly objects: number
  /** Failures since the start. */
  readonly failures: number
  /** Watches renewed for their silence since the start. */
  readonly silences: number
}

/** `isEcho`: a write of this process brought the event. */
type Listener = (event: ObjectEvent, isEcho: boolean) => void

/** One cache, kept current for all controllers that declare the same read. */
export interface Source {
  readonly watch: Watch
  readonly client: Client
  readonly cache: ObjectCache<KubeObject>
  readonly listeners: Listener[]
  readonly echoes: Echoes
  /** Undefined once a read wants whole objects. */
  fields: Set<string> | undefined
  reflector?: Reflector<KubeObject>
}

/**
 * The caches of a process: one for each distinct read, whichever controllers declare it and under whatever name they
 * know the API server. All reads are declared before the first watch begins.
 */
export class Sources {
  readonly #options: SourcesOptions
  readonly #sources = new Map<string, Source>()
  /** Two names of one API server have one client. */
  readonly #clients = new Map<Client, number>()

  constructor(options: SourcesOptions) {
    this.#options = options
  }

  /** The source of a declared read. */
  declare(watch: Watch, controller: Controller): Source {
    const client = this.#options.clusters[watch.cluster]
    if (client === undefined) throw new UndeclaredAccessError(controller.name, `uses the API server ${watch.cluster}`)
    if (!this.#clients.has(client)) this.#clients.set(client, this.#clients.size)
    const { group, version, plural } = watch.resource
    const id = JSON.stringify([this.#clients.get(client), group, version, plural, ...scopeOf(watch)])
    const existing = this.#sources.get(id)
    if (existing === undefined) {
      const fields = watch.fields === undefined ? undefined : new Set(watch.fields)
      const source: Source = { watch, client, cache: new ObjectCache(), listeners: [], echoes: new Echoes(), fields }
      this.#sources.set(id, source)
      return source
    }
    if (watch.fields === undefined) existing.fields = undefined
    for (const field of watch.fields ?? []) existing.fields?.add(field)
    return existing
  }

  /** Begins to watch everything declared; the promises are of watches that end, which they do when told to. */
  run(signal: AbortSignal): Promise<void>[] {
    return [...this.#sources.values()].map((source) => {
      source.reflector = this.#reflector(source)
      return source.reflector.run(signal)
    })
  }

  /** Resolves when every cache is filled. */
  async synced(): Promise<void> {
    for (const { reflector } of this.#sources.values()) await reflector?.synced
  }

  health(): SourceHealth[] {
    const now = this.#options.clock.now()
    return [...this.#sources.values()].map(({ watch, cache, reflector }) => ({
      cluster: watch.cluster,
      reads: described(watch),
      synced: reflector?.hasSynced ?? false,
      ...(reflector?.heardAt !== undefined && { quietForMs: now - reflector.heardAt }),
      objects: cache.size,
      failures: reflector?.statistics.failures ?? 0,
      silences: reflector?.statistics.silences ?? 0,
    }))
  }

  /** Expects the event of a write that is about to be sent to `client`. */
  expectEcho(client: Client, resource: Pick<Resource, 'group' | 'plural'>, key: string): void {
    for (const { echoes } of this.#of(client, resource)) echoes.expect(key, this.#options.clock.now())
  }

  /** The write was refused. */
  cancelEcho(client: Client, resource: Pick<Resource, 'group' | 'plural'>, key: string): void {
    for (const { echoes } of this.#of(client, resource)) echoes.settle(key, this.#options.clock.now())
  }

  *#of(client: Client, { group, plural }: Pick<Resource, 'group' | 'plural'>): Generator<Source> {
    for (const source of this.#sources.values()) {
      const { resource } = source.watch
      if (source.client === client && resource.plural === plural && resource.group === group) yield source
    }
  }

  #reflector({ watch, client, cache, listeners, echoes, fields }: Source): Reflector<KubeObject> {
    const { clock, random, watchQuietMs } = this.#options
    const { resource, namespace, name, labelSelector } = watch
    return new Reflector<KubeObject>({
      client,
      resource,
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { fieldSelector: `metadata.name=${name}` }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fields !== undefined && { keep: keepFields(fields) }),
      ...(watchQuietMs !== undefined && { quietMs: watchQuietMs }),
      clock,
      random,
      cache,
      onEvent: (event) => {
        const isEcho = echoes.settle(event.key, clock.now())
        for (const listener of listeners) listener(event, isEcho)
      },
    })
  }
}

/** Whether a read is the one that `scope` asks for. */
export function isScope(watch: Scope, scope: Scope): boolean {
  const wanted = scopeOf(scope)
  return scopeOf(watch).every((value, position) => value === wanted[position])
}

/** `plural.group`, or `plural` in the core group. */
export function resourceName({ group, plural }: Pick<Resource, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`
}

function scopeOf({ namespace, name, labelSelector }: Scope): readonly [string, string, string] {
  // However it is written, it selects the same.
  const selector = labelSelector === undefined ? '' : parseLabelSelector(labelSelector).toString()
  return [namespace ?? '', name ?? '', selector]
}

function described({ resource, namespace, name, labelSelector }: Watch): string {
  const parts = [resourceName(resource)]
  if (name !== undefined) parts.push(`named ${name}`)
  if (namespace !== undefined) parts.push(`in ${namespace}`)
  if (labelSelector !== undefined) parts.push(`with ${labelSelector}`)
  return parts.join(' ')
}
