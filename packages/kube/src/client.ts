import { ConnectionError, isExpired } from './errors.ts'
import { errorFromAnswer, readBody, readLines } from './http-body.ts'
import { RawWatchEvent } from './raw-watch-event.ts'
import type { HttpMethod, Transport, TransportRequest, TransportResponse } from './transport.ts'
import { apiVersionOf } from './types.ts'
import type { KubeList, KubeObject, Resource } from './types.ts'

export interface ClientOptions {
  readonly transport: Transport
  /** @default 'locktender' */
  readonly userAgent?: string
  /** Default field manager of writes; without one the server derives it from the user agent. */
  readonly fieldManager?: string
}

export interface ObjectName {
  readonly name: string
  readonly namespace?: string | undefined
}

export interface WriteOptions {
  readonly fieldManager?: string
  readonly subresource?: string
  /** The whole pipeline runs, nothing is stored. */
  readonly dryRun?: boolean
  /** What happens to unknown fields. @default the server's choice, `Warn` */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore'
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string
  /** Takes fields over from other managers instead of failing with a conflict. */
  readonly force?: boolean
}

export interface SelectOptions {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export interface ListOptions extends SelectOptions {
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
}

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly dryRun?: boolean
}

export interface WatchOptions extends SelectOptions {
  /** Events after this version follow; absent only together with `sendInitialEvents`. */
  readonly resourceVersion?: string | undefined
  /** Asks for the present state as ADDED events first, ended by an annotated bookmark (WatchList). */
  readonly sendInitialEvents?: boolean
  /** After this time the server ends the watch. */
  readonly timeoutSeconds?: number
  readonly signal?: AbortSignal
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** Objects per page when everything is listed, as client-go's pager does. */
const PAGE_SIZE = 500

const PATCH_TYPES = { merge: 'application/merge-patch+json', json: 'application/json-patch+json' } as const

/**
 * Speaks the Kubernetes API through a {@link Transport}. Refusals become ApiError, missing answers are the
 * transport's ConnectionError. Nothing is retried here: callers know what is safe to repeat.
 */
export class Client {
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** The same client over a transport made from its own, for instance one that refuses some requests. */
  through(wrap: (transport: Transport) => Transport): Client {
    return new Client({ ...this.#options, transport: wrap(this.#options.transport) })
  }

  get<T extends KubeObject>(resource: Resource, name: string, namespace?: string): Promise<T> {
    return this.requestJson('GET', objectPath(resource, { name, namespace }))
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<KubeList<T>> {
    const { namespace, ...query } = options
    const list = await this.requestJson<KubeList<T>>(
      'GET',
      collectionPath(resource, namespace) + encodeQuery({ ...query }),
    )
    return withKinds(list, resource)
  }

  /** Every page of a list. A continue token that expires half-way leads to one complete list instead. */
  async listAll<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<KubeList<T>> {
    const items: T[] = []
    for await (const page of this.listPages<T>(resource, options)) {
      if (page.restarted) items.length = 0
      for (const item of page.list.items) items.push(item)
      if (page.list.metadata.continue === undefined) return { ...page.list, items }
    }
    throw new Error('a list must have a last page')
  }

  /** The pages of a list; `restarted` says that what came before is void, since its snapshot expired. */
  async *listPages<T extends KubeObject>(
    resource: Resource,
    options: ListOptions = {},
  ): AsyncGenerator<{ readonly list: KubeList<T>; readonly restarted: boolean }> {
    let request: ListOptions = { limit: PAGE_SIZE, ...options }
    let restarted = false
    for (;;) {
      let list: KubeList<T>
      try {
        list = await this.list<T>(resource, request)
      } catch (error) {
        if (!isExpired(error) || request.continue === undefined || restarted) throw error
        restarted = true
        const { limit: _limit, ...unpaged } = options
        request = unpaged
        continue
      }
      const next = list.metadata.continue
      if (next === '') delete list.metadata.continue
      yield { list, restarted }
      if (next === undefined || next === '') return
      // The token carries the version; servers refuse both together.
      const { resourceVersion: _version, resourceVersionMatch: _match, ...rest } = request
      request = { ...rest, continue: next }
    }
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const path = collectionPath(resource, namespaceOf(resource, object.metadata.namespace))
    return this.requestJson('POST', path + this.#writeQuery(options), object)
  }

  /** Replaces the object; its `metadata.resourceVersion` must be the current one. */
  update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const path = objectPath(resource, object.metadata, options.subresource)
    return this.requestJson('PUT', path + this.#writeQuery(options), object)
  }

  patch<T extends KubeObject>(
    resource: Resource,
    target: ObjectName,
    patch: object,
    options: WriteOptions & { readonly type: 'merge' | 'json' },
  ): Promise<T> {
    const path = objectPath(resource, target, options.subresource)
    return this.requestJson('PATCH', path + this.#writeQuery(options), patch, PATCH_TYPES[options.type])
  }

  /** A merge patch whose answer nobody wants to read; half of what many small writes cost is in reading it. */
  async report(resource: Resource, target: ObjectName, patch: object, options: WriteOptions = {}): Promise<void> {
    const path = objectPath(resource, target, options.subresource) + this.#writeQuery(options)
    const response = await this.#request('PATCH', path, undefined, JSON.stringify(patch), PATCH_TYPES.merge)
    if (response.status < 200 || response.status > 299) throw await errorFromAnswer(response)
    // A body must be read to its end, or its connection is lost.
    for await (const _chunk of response.body);
  }

  /**
   * Server-side apply: `object` holds exactly the fields the manager wants to own.
   * @throws ApiError Conflict when another manager owns one of them and `force` is not set
   */
  apply<T extends KubeObject>(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<T> {
    const path = objectPath(resource, object.metadata, options.subresource)
    const query = this.#writeQuery(options, options.force)
    return this.requestJson('PATCH', path + query, object, 'application/apply-patch+yaml')
  }

  async delete(resource: Resource, target: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const { dryRun, ...rest } = options
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...rest, ...(dryRun === true ? { dryRun: ['All'] } : {}) }
    await this.requestJson('DELETE', objectPath(resource, target), body)
  }

  /**
   * Events in the order of the server, until it ends the watch or `signal` aborts; both end the iteration normally.
   * @throws ApiError also for an ERROR event, e.g. Expired when `resourceVersion` is too old
   * @throws ConnectionError when the stream breaks off
   */
  async *watch(resource: Resource, options: WatchOptions): AsyncGenerator<RawWatchEvent> {
    const { namespace, signal, sendInitialEvents, ...select } = options
    const query = encodeQuery({
      ...select,
      watch: true,
      allowWatchBookmarks: true,
      ...(sendInitialEvents === true ? { sendInitialEvents, resourceVersionMatch: 'NotOlderThan' } : {}),
    })
    try {
      const response = await this.#request('GET', collectionPath(resource, namespace) + query, signal)
      if (response.status !== 200) throw await errorFromAnswer(response)
      for await (const line of readLines(response.body)) {
        if (signal?.aborted) return
        const event = RawWatchEvent.fromLine(line)
        if (event.type === 'ERROR') throw event.error()
        yield event
      }
    } catch (error) {
      if (!signal?.aborted) throw error
    }
  }

  /** Any request with a JSON answer: discovery, reviews, `/version`. */
  async requestJson<T>(method: HttpMethod, path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    const response =
      body === undefined
        ? await this.#request(method, path)
        : await this.#request(method, path, undefined, JSON.stringify(body), contentType)
    if (response.status < 200 || response.status > 299) throw await errorFromAnswer(response)
    if (response.json !== undefined) return response.json() as T
    const text = await readBody(response.body)
    try {
      return JSON.parse(text) as T
    } catch (error) {
      throw new ConnectionError(`${method} ${path} was not answered with JSON`, { cause: error })
    }
  }

  #request(
    method: HttpMethod,
    path: string,
    signal?: AbortSignal,
    body?: string,
    contentType?: string,
  ): Promise<TransportResponse> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      'user-agent': this.#options.userAgent ?? 'locktender',
    }
    if (contentType !== undefined) headers['content-type'] = contentType
    const request: TransportRequest = {
      method,
      path,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    }
    return this.#options.transport.request(request)
  }

  #writeQuery(options: WriteOptions, force?: boolean): string {
    return encodeQuery({
      fieldManager: options.fieldManager ?? this.#options.fieldManager,
      dryRun: options.dryRun === true ? 'All' : undefined,
      fieldValidation: options.fieldValidation,
      force,
    })
  }
}

/** Lists of built-in kinds leave apiVersion and kind out of their items. */
function withKinds<T extends KubeObject>(list: KubeList<T>, resource: Resource): KubeList<T> {
  const apiVersion = apiVersionOf(resource)
  list.items ??= []
  for (const [index, item] of list.items.entries()) {
    if (item.kind === undefined || item.kind === '') list.items[index] = { ...item, apiVersion, kind: resource.kind }
  }
  return list
}

function namespaceOf(resource: Resource, namespace: string | undefined): string | undefined {
  if (!resource.namespaced) return undefined
  if (namespace === undefined || namespace === '') {
    throw new TypeError(`${resource.plural} are namespaced: a single one needs a namespace`)
  }
  return namespace
}

/** Path of the collection: of one namespace, or of all when `namespace` is absent. */
function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const scope = namespace === undefined || !resource.namespaced ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `${root}${scope}/${resource.plural}`
}

function objectPath(resource: Resource, target: ObjectName, subresource?: string): string {
  if (target.name === '') throw new TypeError(`a request for one of ${resource.plural} needs a name`)
  const collection = collectionPath(resource, namespaceOf(resource, target.namespace))
  return `${collection}/${encodeURIComponent(target.name)}${subresource === undefined ? '' : `/${subresource}`}`
}

function encodeQuery(query: Query): string {
  let text = ''
  for (const key of Object.keys(query)) {
    const value = query[key]
    if (value === undefined || value === '') continue
    text += `${text === '' ? '?' : '&'}${key}=${encodeURIComponent(value)}`
  }
  return text
}
