import {
  ApiError,
  type Client,
  ConnectionError,
  errorText,
  type HttpMethod,
  isObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '@locktender/kube'
import { describeRequest } from './compare-output.ts'
import type { RunOutput } from './output-directory.ts'
import { type Destination, DESTINATIONS, isEvent, type RecordedRequest, UNDECLARED } from './recorded-request.ts'
import { transportRequestOf } from './replay.ts'
import { allowedDestinations, type OutputResources } from './resource-lists.ts'

/** A request with the API server it is for. */
export interface PlannedRequest {
  readonly destination: Destination
  readonly request: RecordedRequest
}

/** A request that was carried out, and what the API server made of the object; absent when it is gone. */
export interface AppliedRequest extends PlannedRequest {
  readonly object?: KubeObject
}

/** A request that was not carried out. */
export interface RefusedRequest extends PlannedRequest {
  readonly error: Error
}

/** What became of the output of a run. */
export interface Applied {
  readonly applied: readonly AppliedRequest[]
  /** Later requests of the same controller were left out, as if it had failed there itself. */
  readonly failed: readonly RefusedRequest[]
  /** Events that could not be written; they are a courtesy. */
  readonly lostEvents: readonly RefusedRequest[]
}

export interface ApplyOutputOptions {
  /** Clients of the API servers. */
  readonly clusters: (destination: Destination) => Client
  /** What the operator says that it may write. */
  readonly outputs: OutputResources
  /** What the operator was given of the object that a request is about. */
  readonly seen: (destination: Destination, request: RecordedRequest) => KubeObject | undefined
  /** Resolves when the next request may be sent. */
  readonly pace?: () => Promise<void>
  readonly signal?: AbortSignal
}

/** The output holds requests that the operator does not declare; nothing of it may be applied. */
export class UndeclaredOutputError extends Error {
  override readonly name = 'UndeclaredOutputError'

  constructor(requests: readonly string[]) {
    super(
      `it wants to write what it does not declare: ${requests.join('; ')}; nothing of this run was applied. Add it to its output-resources`,
    )
  }
}

const SHOWN_REQUESTS = 5

/**
 * The requests of a run in the order in which they are to be carried out: that in which the operator made them where it
 * says so. Otherwise what is new comes first, since changes may refer to it, and deletions last, so that nothing is
 * missing if a request before them fails. Events come at the very end: they tell of what was done.
 *
 * @throws UndeclaredOutputError when a request is in none of the lists of the API server it is for
 */
export function plannedRequests(
  output: Pick<RunOutput, 'requests' | 'undeclared'>,
  outputs: OutputResources,
): PlannedRequest[] {
  const planned = DESTINATIONS.flatMap((destination) =>
    (output.requests.get(destination) ?? []).map((request) => ({ destination, request })),
  )
  const undeclared = [
    ...output.undeclared.map((request) => described(UNDECLARED, request)),
    ...planned
      .filter(({ destination, request }) => !allowedDestinations(outputs, request).includes(destination))
      .map(({ destination, request }) => described(destination, request)),
  ]
  if (undeclared.length > 0) {
    const shown = undeclared.slice(0, SHOWN_REQUESTS)
    const rest = undeclared.length - shown.length
    throw new UndeclaredOutputError(rest === 0 ? shown : [...shown, `and ${rest} more`])
  }
  return planned.toSorted(
    (left, right) =>
      Number(isEvent(left.request)) - Number(isEvent(right.request)) ||
      (left.request.sequence ?? 0) - (right.request.sequence ?? 0) ||
      phase(left.request) - phase(right.request),
  )
}

/**
 * Carries out what a run recorded. An object is replaced only if it still is what the operator saw, or what the same run
 * made of it. Who is refused a request does not get to its later ones; other controllers do.
 *
 * @throws UndeclaredOutputError before anything is written
 */
export async function applyOutput(
  output: Pick<RunOutput, 'requests' | 'undeclared'>,
  options: ApplyOutputOptions,
): Promise<Applied> {
  const { clusters, pace, signal } = options
  const planned = plannedRequests(output, options.outputs)
  const applied: AppliedRequest[] = []
  const failed: RefusedRequest[] = []
  const lostEvents: RefusedRequest[] = []
  const stopped = new Set<string>()
  const written = new Map<string, KubeObject>()
  for (const { destination, request } of planned) {
    if (signal?.aborted === true) break
    if (stopped.has(request.controller) && !isEvent(request)) continue
    try {
      const { method, path, body, contentType } = asSent(destination, request, planned, written, options)
      await pace?.()
      const answer = await clusters(destination).requestJson<KubeObject>(method, path, body, contentType)
      const isGone = request.action === 'Delete' && answer.kind === 'Status'
      if (isGone) written.delete(idOf(destination, request))
      else written.set(idOf(destination, request), answer)
      applied.push({ destination, request, ...(!isGone && { object: answer }) })
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof ConnectionError || error instanceof OutputError)) throw error
      if (isEvent(request)) lostEvents.push({ destination, request, error })
      else if (request.action === 'Delete' && isGone(error)) applied.push({ destination, request })
      else {
        failed.push({ destination, request, error })
        stopped.add(request.controller)
      }
    }
  }
  return { applied, failed, lostEvents }
}

/** Whether a refusal comes of the operator having seen what is no longer so: with new inputs it may go well. */
export function isOutdated({ error, request }: RefusedRequest): boolean {
  if (!(error instanceof ApiError)) return false
  // A conflict over the ownership of fields does not go away by looking again.
  if (error.status.details?.causes?.some(({ reason }) => reason === 'FieldManagerConflict') === true) return false
  return error.code === 409 || (error.code === 404 && request.action !== 'Create')
}

/** A recorded body cannot be sent. */
class OutputError extends Error {
  override readonly name = 'OutputError'
}

/** Without its options, which may be unreadable. */
function described(destination: string, request: RecordedRequest): string {
  return describeRequest(destination, { ...request, options: '' })
}

function phase({ action }: RecordedRequest): number {
  return action === 'Create' ? 0 : action === 'Delete' ? 2 : 1
}

function idOf(destination: Destination, { group, plural, namespace, name }: RecordedRequest): string {
  return [destination, group, plural, namespace, name].join('/')
}

function isGone(error: Error): boolean {
  return error instanceof ApiError && error.code === 404
}

interface Sent {
  readonly method: HttpMethod
  readonly path: string
  readonly body: Json
  readonly contentType: string
}

function asSent(
  destination: Destination,
  request: RecordedRequest,
  planned: readonly PlannedRequest[],
  written: ReadonlyMap<string, KubeObject>,
  options: ApplyOutputOptions,
): Sent {
  const { action } = request
  const { recorded, ...sent } = asRecorded(request)
  const id = idOf(destination, request)
  const base = written.get(id) ?? options.seen(destination, request)
  if (action === 'Delete') {
    const body = isObject(recorded) ? recorded : { kind: 'DeleteOptions', apiVersion: 'v1' }
    // Not another one that has come into its place.
    const uid = body['preconditions'] === undefined ? base?.metadata.uid : undefined
    return { ...sent, body: uid === undefined ? body : { ...body, preconditions: { uid } } }
  }
  const body = withRealOwners(recorded, destination, request, written)
  if (action === 'Create') return { ...sent, body: object(body, request) }
  if (action === 'Update' || action === 'UpdateStatus') {
    return { ...sent, body: basedOn(object(body, request), base, written.has(id)) }
  }
  // What is based on this patch would otherwise overwrite changes that the operator has not seen.
  const isBase = planned.some(
    (later) =>
      idOf(later.destination, later.request) === id &&
      later.request.action.startsWith('Update') &&
      (later.request.sequence ?? 0) > (request.sequence ?? 0),
  )
  const version = isBase ? base?.metadata.resourceVersion : undefined
  return { ...sent, body: conditional(body, version, sent.contentType) }
}

/** As it was recorded, with its body as JSON; that is undefined when there is none. */
function asRecorded(request: RecordedRequest): Omit<Sent, 'body'> & { readonly recorded: Json | undefined } {
  try {
    const { method, path, headers, body } = transportRequestOf(request)
    const recorded = body === undefined ? undefined : (JSON.parse(String(body)) as Json)
    return { method, path, contentType: headers?.['content-type'] ?? '', recorded }
  } catch (error) {
    throw new OutputError(`its body or its options cannot be read: ${errorText(error)}`)
  }
}

function object(body: Json | undefined, { action }: RecordedRequest): JsonObject {
  if (isObject(body)) return body
  throw new OutputError(`the body of ${action} holds no object`)
}

/** With the version that the operator saw, or that the run itself has made since. */
function basedOn(body: JsonObject, base: KubeObject | undefined, isOwn: boolean): JsonObject {
  if (base === undefined) return body
  const metadata = isObject(body['metadata']) ? body['metadata'] : {}
  const { uid, resourceVersion } = base.metadata
  const given = isOwn ? {} : { uid: metadata['uid'], resourceVersion: metadata['resourceVersion'] }
  const missing = (value: Json | undefined) => value === undefined || value === null || value === ''
  return {
    ...body,
    metadata: {
      ...metadata,
      ...(missing(given.uid) && uid !== undefined && { uid }),
      ...(missing(given.resourceVersion) && resourceVersion !== undefined && { resourceVersion }),
    },
  }
}

function conditional(body: Json | undefined, version: string | undefined, contentType: string): Json {
  if (body === undefined) throw new OutputError('the patch is empty')
  if (version === undefined) return body
  if (Array.isArray(body)) return [{ op: 'test', path: '/metadata/resourceVersion', value: version }, ...body]
  if (!isObject(body)) throw new OutputError(`the body of a patch of type ${contentType} holds no object`)
  const metadata = isObject(body['metadata']) ? body['metadata'] : {}
  return { ...body, metadata: { ...metadata, resourceVersion: version } }
}

/**
 * Owners that the same run created have a uid that only the API server knows; the operator was told a made-up one.
 */
function withRealOwners(
  body: Json | undefined,
  destination: Destination,
  { namespace }: RecordedRequest,
  written: ReadonlyMap<string, KubeObject>,
): Json | undefined {
  const metadata = isObject(body) ? body['metadata'] : undefined
  const owners = isObject(metadata) ? metadata['ownerReferences'] : undefined
  if (!isObject(body) || !isObject(metadata) || !Array.isArray(owners) || written.size === 0) return body
  const real = owners.map((owner) => {
    if (!isObject(owner)) return owner
    for (const [id, { apiVersion, kind, metadata: other }] of written) {
      const isOwner =
        id.startsWith(`${destination}/`) &&
        owner['apiVersion'] === apiVersion &&
        owner['kind'] === kind &&
        owner['name'] === other.name &&
        (other.namespace === undefined || other.namespace === namespace)
      if (isOwner && other.uid !== undefined) return { ...owner, uid: other.uid }
    }
    return owner
  })
  return { ...body, metadata: { ...metadata, ownerReferences: real } }
}
