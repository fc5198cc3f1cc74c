import {
  Client,
  type Clock,
  ConnectionError,
  encodeObject,
  type KubeObject,
  ObjectCache,
  type Random,
  type Resource,
  timestamp,
  type TransportRequest,
} from '@locktender/kube'
import { targetOf } from '../api-path.ts'
import type { ClusterView, Controller, Scope, Watch, World } from '../controller.ts'
import { declaredEvents, eventReference } from '../declared-events.ts'
import { UndeclaredAccessError } from '../errors.ts'
import { type EventNote, eventName, type EventRecorder, type EventSubject } from '../events.ts'
import { keepFields } from '../fields.ts'
import { guardedClient, guardedFetch } from '../guard.ts'
import type { Logger } from '../logger.ts'
import { noMetrics } from '../metrics.ts'
import type { OutsideAnswer } from '../outside.ts'
import { isScope, resourceName } from '../sources.ts'
import type { ManifestServer } from './manifest-server.ts'
import type { RecordedRequest } from './recorded-request.ts'
import { DESTINATION_OF } from './resource-lists.ts'

export interface OnceWorldOptions {
  readonly controller: Controller
  readonly server: ManifestServer
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly fetch: World['fetch']
  /** Told of each accepted write with the name under which the controller knows the API server. */
  readonly onWrite: (cluster: string, request: RecordedRequest) => void
  /** Told of what the controller did not declare; with the request when it was a write. */
  readonly onUndeclared: (error: UndeclaredAccessError, request?: RecordedRequest) => void
}

interface FilledCache {
  readonly watch: Watch
  readonly cache: ObjectCache<KubeObject>
}

/** What one controller sees of a directory of manifests. The API servers of an operator are all that one directory. */
export class OnceWorld implements World {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics = noMetrics
  readonly events: EventRecorder
  readonly fetch: (request: { url: string }) => Promise<OutsideAnswer>
  readonly #options: OnceWorldOptions
  readonly #caches: readonly FilledCache[]
  readonly #views = new Map<string, ClusterView>()
  /** Events on their way. */
  readonly #telling: Promise<unknown>[] = []

  constructor(options: OnceWorldOptions) {
    const { controller, clock, random, log, fetch } = options
    this.#options = options
    this.clock = clock
    this.random = random
    this.log = log.with({ controller: controller.name })
    this.fetch = this.#reporting(guardedFetch(controller, fetch))
    this.events = { record: (cluster, subject, note) => this.#record(cluster, subject, note) }
    this.#caches = controller.reads.map((watch) => ({ watch, cache: new ObjectCache() }))
    for (const filled of this.#caches) this.#fill(filled)
  }

  /** Keys that the objects there are lead to, and those of the start. */
  keys(): string[] {
    const keys = new Set(this.#options.controller.atStart)
    for (const { watch, cache } of this.#caches) {
      for (const key of cache.keys()) {
        const event = { type: 'ADDED' as const, key, object: () => cache.get(key)!, previous: () => undefined }
        for (const wanted of watch.keys(event)) keys.add(wanted)
      }
    }
    return [...keys]
  }

  /** Resolves when the events that were told of are written. */
  async told(): Promise<void> {
    await Promise.allSettled(this.#telling.splice(0))
  }

  cluster(name: string): ClusterView {
    const known = this.#views.get(name)
    if (known !== undefined) return known
    const { controller } = this.#options
    if (DESTINATION_OF[name] === undefined) throw this.#refuse(`uses the API server ${name}`)
    const client = guardedClient(controller, name, this.#client(name)).through((transport) => ({
      request: (request) => this.#reporting((sent: TransportRequest) => transport.request(sent))(request),
      close: () => transport.close(),
    }))
    const view: ClusterView = {
      client,
      cache: <T extends KubeObject>(resource: Resource, scope?: Scope) =>
        this.#cache(name, resource, scope) as unknown as ObjectCache<T>,
    }
    this.#views.set(name, view)
    return view
  }

  #client(cluster: string): Client {
    const { controller, server, onWrite } = this.#options
    const transport = server.transport(controller.name, (request) => {
      onWrite(cluster, request)
      for (const filled of this.#caches) {
        const { group, plural } = filled.watch.resource
        if (group === request.group && plural === request.plural) this.#fill(filled)
      }
    })
    return new Client({ transport, userAgent: controller.name })
  }

  #fill({ watch, cache }: FilledCache): void {
    const { resource, namespace, name, labelSelector, fields } = watch
    const target = {
      ...resource,
      namespace: resource.namespaced ? namespace : undefined,
      name: undefined,
      subresource: undefined,
    }
    const objects = this.#options.server
      .list(target, { ...(labelSelector !== undefined && { labelSelector }) })
      .filter((object) => name === undefined || object.metadata.name === name)
    const keep = fields === undefined ? (object: KubeObject) => object : keepFields(fields)
    cache.replace(objects.map((object) => encodeObject(keep(object))))
  }

  #cache(cluster: string, resource: Resource, scope: Scope | undefined): ObjectCache<KubeObject> {
    const what = `${resourceName(resource)} of ${cluster}`
    const declared = this.#caches.filter(
      ({ watch }) => watch.cluster === cluster && resourceName(watch.resource) === resourceName(resource),
    )
    const fitting = scope === undefined ? declared : declared.filter(({ watch }) => isScope(watch, scope))
    const [first, another] = fitting
    if (first === undefined) throw this.#refuse(`reads the cache of ${what}`)
    if (another !== undefined) {
      const { name } = this.#options.controller
      throw new TypeError(`controller ${name} declares several reads of ${what}; say which one is meant`)
    }
    return first.cache
  }

  #refuse(access: string): UndeclaredAccessError {
    const error = new UndeclaredAccessError(this.#options.controller.name, access)
    this.#options.onUndeclared(error)
    return error
  }

  /** What the controller did not declare is told even if it takes the refusal lightly. */
  #reporting<Q, A>(ask: (request: Q) => Promise<A>): (request: Q) => Promise<A> {
    const { controller, server, onUndeclared } = this.#options
    return async (request) => {
      try {
        return await ask(request)
      } catch (error) {
        if (error instanceof UndeclaredAccessError) {
          const { method = 'GET', path = '' } = request as Partial<TransportRequest>
          const target = method === 'GET' ? undefined : targetOf(path)
          const write = target && server.recorded(request as TransportRequest, target, controller.name)
          onUndeclared(error, write)
        }
        throw error
      }
    }
  }

  #record(cluster: string, subject: EventSubject, note: EventNote): void {
    const { controller, clock } = this.#options
    const { resource, namespace } = this.#eventPlace(cluster, subject)
    const name = eventName(subject.metadata.name, clock.now(), note)
    const event = eventObject({ name, namespace, now: clock.now(), component: controller.name, subject, note })
    const object = resource.group === '' ? event.core : event.series
    this.#telling.push(this.cluster(cluster).client.create(resource, object))
  }

  #eventPlace(cluster: string, subject: EventSubject): ReturnType<typeof declaredEvents> {
    const { controller, onUndeclared } = this.#options
    try {
      return declaredEvents(controller, cluster, subject)
    } catch (error) {
      if (error instanceof UndeclaredAccessError) onUndeclared(error)
      throw error
    }
  }
}

/** Answers of the world outside, given beforehand. */
export function answeredFetch(
  answers: readonly { readonly url: string; readonly method?: string; readonly answer: OutsideAnswer }[],
): World['fetch'] {
  return ({ url, method = 'GET' }) => {
    const found = answers.find((candidate) => candidate.url === url && (candidate.method ?? 'GET') === method)
    if (found !== undefined) return Promise.resolve(found.answer)
    return Promise.reject(
      new ConnectionError(`no answer is given for ${method} ${url}; write one into the file of --answers`),
    )
  }
}

/** An event as OpenShift's recorders write it, in both APIs. */
function eventObject({
  name,
  namespace,
  now,
  component,
  subject,
  note,
}: {
  name: string
  namespace: string
  now: number
  component: string
  subject: EventSubject
  note: EventNote
}): { core: KubeObject; series: KubeObject } {
  const reference = eventReference(subject)
  const { type, reason, message, action } = note
  const core = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: reference,
    type,
    reason,
    message,
    ...(action !== undefined && { action }),
    source: { component },
    count: 1,
    firstTimestamp: timestamp(now),
    lastTimestamp: timestamp(now),
    eventTime: null,
    reportingComponent: '',
    reportingInstance: '',
  }
  const series = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace },
    regarding: reference,
    type,
    reason,
    note: message,
    action: action ?? reason,
    reportingController: component,
    reportingInstance: component,
    eventTime: timestamp(now).replace('Z', '.000000Z'),
  }
  return { core, series }
}
