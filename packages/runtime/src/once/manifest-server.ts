import {
  alreadyExists,
  ApiError,
  apiVersionOf,
  badRequest,
  conflict,
  type HttpMethod,
  internalError,
  isObject,
  type Json,
  type KubeObject,
  labelSelectorFrom,
  methodNotAllowed,
  notFound,
  parseFieldSelector,
  parseLabelSelector,
  type Random,
  resourceNotFound,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  unknownError,
  unsupportedMediaType,
} from '@locktender/kube'
import { queryOf, type Target, targetOf } from '../api-path.ts'
import type { Compat } from './compat.ts'
import type { Discovery } from './discovery.ts'
import type { InputDirectory } from './input-directory.ts'
import { ManifestStore } from './manifest-store.ts'
import { applied, created, deleted, patched, updated, type WriteSituation } from './object-writes.ts'
import { readYaml } from './read-yaml.ts'
import { type Action, isEvent, optionsOf, type RecordedRequest } from './recorded-request.ts'
import { WriteRulesOf } from './schemas.ts'
import { writeYaml } from './write-yaml.ts'

export interface ManifestServerOptions {
  readonly input: InputDirectory
  /** What the directory does not tell of the kinds of resources. */
  readonly known: Discovery
  readonly compat: Compat
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly random: Random
}

/** Told of every write, once it is accepted. */
export type OnWrite = (request: RecordedRequest) => void

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json'
const APPLY_PATCH = 'application/apply-patch+yaml'
const PATCH_TYPES = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH]

/** Versions of what is written begin here, far above those of any cluster. */
const FIRST_VERSION = 1_000_000_000_000

/**
 * An API server whose objects are the files of a directory. Reads are answered from them, writes are recorded, and by
 * default take effect as they would on a real one: versions and conflicts, names, status apart from the rest, ownership
 * of applied fields, finalizers. What is not done: admission, defaults, validation and garbage collection.
 */
export class ManifestServer {
  readonly #options: ManifestServerOptions
  readonly #store: ManifestStore
  readonly #rules: WriteRulesOf
  readonly #discovered: Discovery | undefined
  #version = FIRST_VERSION
  #sequence = 0

  constructor(options: ManifestServerOptions) {
    this.#options = options
    this.#store = new ManifestStore(options.input, options.compat)
    this.#rules = new WriteRulesOf(options.input)
    this.#discovered = options.input.discovery()
  }

  /** Carries the requests of `controller`, and tells `onWrite` of its writes. */
  transport(controller: string, onWrite: OnWrite): Transport {
    return {
      request: (request) => Promise.resolve(this.#answer(request, controller, onWrite)),
      close: () => Promise.resolve(),
    }
  }

  /** The objects of a read. */
  list(target: Target, select: { labelSelector?: string | null; fieldSelector?: string | null } = {}): KubeObject[] {
    const { compat } = this.#options
    const labels = select.labelSelector ? parseLabelSelector(select.labelSelector) : labelSelectorFrom({})
    const fields =
      select.fieldSelector && !compat.fieldSelectorsAreIgnored ? parseFieldSelector(select.fieldSelector) : []
    return this.#store
      .list(target)
      .filter((object) => labels.matches(object.metadata.labels))
      .filter((object) =>
        fields.every(({ field, operator, value }) => (fieldAt(object, field) === value) === (operator === '=')),
      )
  }

  #answer(request: TransportRequest, controller: string, onWrite: OnWrite): TransportResponse {
    try {
      const path = request.path.split('?', 1)[0]!
      if (request.method === 'GET' && (path === '/api' || path === '/apis')) {
        return response(200, (this.#discovered ?? this.#options.known).document(path === '/api'))
      }
      const target = targetOf(request.path)
      if (target === undefined) throw resourceNotFound()
      const query = queryOf(request.path)
      if (request.method === 'GET') return this.#read(target, query)
      const { status, object } = this.#write(request, target, query, controller, onWrite)
      return response(status, object)
    } catch (error) {
      if (error instanceof ApiError) return response(error.code, error.status)
      throw error
    }
  }

  #read(target: Target, query: URLSearchParams): TransportResponse {
    if (target.subresource !== undefined && target.subresource !== 'status') {
      throw internalError(`there are no files for the subresource ${target.subresource}`)
    }
    if (target.name !== undefined) {
      const object = this.#store.get(target, target.name)
      if (object === undefined) throw notFound(groupResource(target), target.name)
      return response(200, object)
    }
    if (query.get('watch') === 'true' || query.get('watch') === '1') {
      // Those who would have the present state from a watch list it instead when this fails.
      if (query.get('sendInitialEvents') === 'true') throw badRequest('sendInitialEvents is not served from files')
      return { status: 200, headers: { 'content-type': 'application/json' }, body: nothing() }
    }
    const select = { labelSelector: query.get('labelSelector'), fieldSelector: query.get('fieldSelector') }
    const items = this.list(target, select)
    const kind = this.#kind(target) ?? items[0]?.kind ?? ''
    const metadata = { resourceVersion: String(this.#version) }
    return response(200, { kind: `${kind}List`, apiVersion: apiVersionOf(target), metadata, items })
  }

  #kind({ group, version, plural }: Target): string | undefined {
    const found = this.#discovered?.find(group, version, plural) ?? this.#options.known.find(group, version, plural)
    return found?.kind
  }

  /** What would be recorded of a request, which is not carried out. */
  recorded(request: TransportRequest, target: Target, controller: string): RecordedRequest {
    const action = actionOf(request, target)
    return this.#recorded(request, target, action, bodyOf(request, action), controller)
  }

  #write(
    request: TransportRequest,
    target: Target,
    query: URLSearchParams,
    controller: string,
    onWrite: OnWrite,
  ): { status: number; object: object } {
    const action = actionOf(request, target)
    const body = bodyOf(request, action)
    this.#checkBody(action, target, body)
    const answer = this.#options.compat.writesAreNotSeen
      ? stub(target, body)
      : this.#carryOut(action, request, target, query, body)
    onWrite(this.#recorded(request, target, action, body, controller))
    return answer
  }

  #recorded(
    request: TransportRequest,
    target: Target,
    action: Action,
    body: Json | undefined,
    controller: string,
  ): RecordedRequest {
    const { compat } = this.#options
    const options = optionsOf(queryOf(request.path))
    const { fieldManager } = options
    const isPatch = action.startsWith('Patch') || action.startsWith('Apply')
    const { name = '', generateName = '' } = (isObject(body) ? (body as Partial<KubeObject>).metadata : undefined) ?? {}
    return {
      action,
      group: target.group,
      version: target.version,
      plural: target.plural,
      namespace: target.namespace ?? '',
      name: target.name ?? name,
      generateName: action === 'Create' && name === '' ? generateName : '',
      ...(action.startsWith('Patch') && { patchType: contentType(request) }),
      ...(isPatch && typeof fieldManager === 'string' && { fieldManager }),
      controller: compat.eventsAreAnonymous && isEvent(target) ? '' : controller,
      ...(!compat.orderIsNotWritten && { sequence: ++this.#sequence }),
      body: body === undefined ? '' : writeYaml(this.#recordedBody(action, body)),
      options: Object.keys(options).length === 0 ? '' : writeYaml(options),
    }
  }

  #recordedBody(action: Action, body: Json): Json {
    const isWhole = action === 'Create' || action === 'Update' || action === 'UpdateStatus'
    if (!this.#options.compat.nullCreationTimestamps || !isWhole || !isObject(body)) return body
    return { ...body, metadata: { creationTimestamp: null, ...(body['metadata'] as { [key: string]: Json }) } }
  }

  #checkBody(action: Action, target: Target, body: Json | undefined): void {
    const { compat } = this.#options
    if (action.startsWith('Patch')) return
    if (!isObject(body)) {
      if (action === 'Delete' && body === undefined && !compat.namespacedDeletionsFail) return
      throw badRequest('the body of the request is no object')
    }
    const { namespace = '', name = '', generateName = '' } = (body['metadata'] ?? {}) as Partial<KubeObject['metadata']>
    if (action === 'Delete') {
      const wanted = target.namespace ?? ''
      if (compat.namespacedDeletionsFail && wanted !== namespace) {
        const why = `request namespace ${JSON.stringify(wanted)} does not equal body namespace ${JSON.stringify(namespace)}`
        const what = `(delete ${target.plural} ${target.name})`
        throw unknownError(
          `an error on the server (${JSON.stringify(why)}) has prevented the request from succeeding ${what}`,
        )
      }
      return
    }
    if (body['apiVersion'] !== apiVersionOf(target)) {
      throw badRequest(
        `the API version in the data (${JSON.stringify(body['apiVersion'] ?? '')}) does not match the expected API version (${apiVersionOf(target)})`,
      )
    }
    if (typeof body['kind'] !== 'string' || body['kind'] === '') throw badRequest(`Object 'Kind' is missing`)
    if (namespace !== '' && namespace !== (target.namespace ?? '')) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    }
    if (action === 'Create') {
      if (name === '' && generateName === '') throw badRequest('name or generateName is required')
    } else if (name !== target.name) {
      throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`)
    }
  }

  #carryOut(
    action: Action,
    request: TransportRequest,
    target: Target,
    query: URLSearchParams,
    body: Json | undefined,
  ): { status: number; object: object } {
    const { now, random } = this.#options
    const fieldManager = query.get('fieldManager') ?? ''
    const situation: WriteSituation = {
      target,
      rules: this.#rules.find(target.group, target.version, target.plural),
      fieldManager: fieldManager === '' ? (action.startsWith('Apply') ? '' : agentOf(request)) : fieldManager,
      now: now(),
      random,
      nextVersion: () => String(++this.#version),
    }
    const keep = (object: KubeObject) => {
      if (!query.getAll('dryRun').includes('All')) this.#keep(target, object)
      return object
    }
    if (action === 'Create') {
      const object = created(body as unknown as KubeObject, situation)
      const { name } = object.metadata
      if (this.#store.get(target, name) !== undefined) throw alreadyExists(groupResource(target), name)
      return { status: 201, object: keep(object) }
    }
    const live = this.#store.get(target, target.name!)
    if (action.startsWith('Apply')) {
      const force = ['true', '1'].includes(query.get('force') ?? '')
      const object = applied(live, body as unknown as KubeObject, { ...situation, force })
      return { status: live === undefined ? 201 : 200, object: keep(object) }
    }
    if (live === undefined) throw notFound(groupResource(target), target.name!)
    // How lists merge in it is written in the types of the kind, which files do not hold.
    if (contentType(request) === STRATEGIC_PATCH) throw unsupportedMediaType(PATCH_TYPES)
    if (action === 'Delete') {
      checkPreconditions(target, live, body)
      const left = deleted(live, situation)
      if (query.getAll('dryRun').length === 0) {
        if (left === undefined) this.#store.delete(target, target.name!)
        else this.#keep(target, left)
      }
      return { status: 200, object: left ?? { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } }
    }
    const sent = action.startsWith('Patch')
      ? patched(live, body!, contentType(request) === JSON_PATCH ? 'json' : 'merge')
      : (body as unknown as KubeObject)
    return { status: 200, object: keep(updated(live, sent, situation)) }
  }

  /** An object that is marked as deleted is gone with its last finalizer. */
  #keep(target: Target, object: KubeObject): void {
    const { deletionTimestamp, finalizers = [], name } = object.metadata
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.#store.delete(target, name)
    else this.#store.set(target, object)
  }
}

function actionOf(request: TransportRequest, target: Target): Action {
  const { method } = request
  const { name, subresource } = target
  if (subresource !== undefined && (subresource !== 'status' || (method !== 'PUT' && method !== 'PATCH'))) {
    throw internalError(
      `writes of the subresource ${subresource} are not recorded; only updates and patches of status are`,
    )
  }
  const status = subresource === undefined ? '' : 'Status'
  if (method === 'POST' && name === undefined) return 'Create'
  if (method === 'PUT' && name !== undefined) return `Update${status}`
  if (method === 'DELETE' && name !== undefined) return 'Delete'
  if (method === 'PATCH' && name !== undefined)
    return contentType(request) === APPLY_PATCH ? `Apply${status}` : `Patch${status}`
  throw methodNotAllowed(groupResource(target), VERBS[method])
}

const VERBS: Readonly<Record<HttpMethod, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'deletecollection',
}

function contentType(request: TransportRequest): string {
  return (request.headers?.['content-type'] ?? '').split(';', 1)[0]!.trim()
}

/** Who writes where no field manager is given, as API servers see it. */
function agentOf(request: TransportRequest): string {
  return (request.headers?.['user-agent'] ?? 'unknown').split('/', 1)[0]!
}

function bodyOf(request: TransportRequest, action: Action): Json | undefined {
  const { body } = request
  const text = body === undefined || typeof body === 'string' ? (body ?? '') : Buffer.from(body).toString('utf8')
  if (text === '') return undefined
  const type = contentType(request)
  const isPatch = action.startsWith('Patch') || action.startsWith('Apply')
  if (isPatch ? ![...PATCH_TYPES, STRATEGIC_PATCH].includes(type) : !['', 'application/json'].includes(type)) {
    throw unsupportedMediaType(isPatch ? PATCH_TYPES : ['application/json'])
  }
  try {
    return (type === APPLY_PATCH ? readYaml(text) : JSON.parse(text)) as Json
  } catch (error) {
    throw badRequest(
      `the body of the request cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** What is answered where writes are not seen: the name of the object and nothing of what it holds. */
function stub(target: Target, body: Json | undefined): { status: number; object: object } {
  const { apiVersion, kind, metadata } = (isObject(body) ? body : {}) as Partial<KubeObject>
  const name = target.name ?? metadata?.name
  return {
    status: 200,
    object: {
      apiVersion: apiVersion ?? apiVersionOf(target),
      kind: kind ?? '',
      metadata: {
        ...(name !== undefined && { name }),
        ...(metadata?.generateName !== undefined && { generateName: metadata.generateName }),
        ...(target.namespace !== undefined && { namespace: target.namespace }),
      },
    },
  }
}

function checkPreconditions(target: Target, live: KubeObject, body: Json | undefined): void {
  const { preconditions } = (isObject(body) ? body : {}) as {
    preconditions?: { uid?: string; resourceVersion?: string }
  }
  for (const field of ['uid', 'resourceVersion'] as const) {
    const [wanted, found] = [preconditions?.[field], live.metadata[field]]
    if (wanted === undefined || wanted === found) continue
    const what = field === 'uid' ? 'UID' : 'ResourceVersion'
    const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found ?? ''}`
    throw conflict(groupResource(target), live.metadata.name, why)
  }
}

function groupResource({ group, plural }: Target): { group: string; resource: string } {
  return { group, resource: plural }
}

/** The text of a field that a selector names; absent ones are empty. */
function fieldAt(object: KubeObject, path: string): string {
  let value: unknown = object
  for (const step of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[step]
  return value === undefined || value === null ? '' : String(value as string | number | boolean)
}

function response(status: number, body: object): TransportResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: text(JSON.stringify(body)) }
}

async function* text(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content)
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
