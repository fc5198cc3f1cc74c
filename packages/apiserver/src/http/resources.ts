import {
  ApiError,
  badRequest,
  forbidden,
  methodNotAllowed,
  methodNotServed,
  notFound,
  resourceNotFound,
} from '@locktender/kube'
import type { Clock } from '@locktender/kube'
import type { AccessAttributes } from '../auth/policy-rules.ts'
import { denial } from '../auth/rbac.ts'
import { isReview, reviewAccess } from '../auth/reviews.ts'
import { handleTokenRequest } from '../auth/token-request.ts'
import type { LogicalCluster } from '../cluster.ts'
import type { Answer } from '../handlers/answer.ts'
import type { RequestContext } from '../handlers/context.ts'
import { withConversions } from '../handlers/conversions.ts'
import { handleCreate, terminating } from '../handlers/create.ts'
import { handleDelete, handleDeleteCollection } from '../handlers/delete.ts'
import { handleFinalize } from '../handlers/finalize.ts'
import { handleGet } from '../handlers/get.ts'
import { handleList } from '../handlers/list.ts'
import { appliesNewObject, handlePatch } from '../handlers/patch.ts'
import { handleStream, isStream } from '../handlers/pod-streams.ts'
import { handleBinding, handleBindings, handleEviction } from '../handlers/pod-subresources.ts'
import { handleScale } from '../handlers/scale.ts'
import { handleUpdate, updatesNewObject } from '../handlers/update.ts'
import { handleWatch } from '../handlers/watch.ts'
import { negotiate, prefersYaml } from '../present/media-types.ts'
import { representList, representObject } from '../present/represent.ts'
import type { Presentation } from '../present/represent.ts'
import type { ResourceRequest, Verb } from '../request-info.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { ServedResource } from '../served-resource.ts'
import { describeSubresource, subresourcesOf } from '../subresources.ts'
import { parseIncludeObject } from '../present/table.ts'
import { bodyText } from './body.ts'
import type { ApiRequest } from './handle-request.ts'
import { errorReply, jsonReply, pageNotFound, statusReply, yamlReply } from './reply.ts'
import type { Reply } from './reply.ts'

/** Authorizes a request for a resource, lets its handler answer, and puts the answer into the wanted form. */
export async function handleResource(
  cluster: LogicalCluster,
  { headers, body, user, signal }: ApiRequest,
  request: ResourceRequest,
  query: URLSearchParams,
): Promise<Reply> {
  authorize(cluster, user, attributesOf(request, query))
  const served = cluster.registry.find(request.group, request.version, request.plural)
  if (served === undefined || !isServed(served, request)) return unserved(cluster, served, request)
  const text = bodyText(served, request, headers['content-type'], body)
  const warnings = served.deprecation === undefined ? [] : [served.deprecation]
  const context: RequestContext = { cluster, served, request, query, headers, body: text, user, signal, warnings }
  const presentation: Presentation = {
    served,
    ...negotiate(headers['accept'], served.custom, request.verb === 'watch'),
    includeObject: parseIncludeObject(query.get('includeObject')),
    nowMs: cluster.database.clock.now(),
  }
  try {
    const respond = async (): Promise<Reply> =>
      reply(await run(context, presentation), presentation, cluster.database.clock)
    const answer = served.webhookConversion === undefined ? await respond() : await withConversions(context, respond)
    return withWarnings(prefersYaml(headers['accept']) ? yamlReply(answer) : answer, context.warnings)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return withWarnings(errorReply(error), context.warnings)
  }
}

function run(context: RequestContext, presentation: Presentation): Promise<Answer> | Answer {
  const { served, request, cluster, user } = context
  const { verb, subresource } = request
  const verbs = subresource === undefined ? served.verbs : describeSubresource(subresource).verbs
  // Where nothing can be created any more, that is said of the object.
  const terminates = served.custom && verb === 'create' && subresource === undefined
  if (!(verbs.includes(verb) || terminates) || !fitsPath(request)) throw unfitting(served, verb)
  if (isReview(served)) return reviewAccess(context)
  if (subresource === 'finalize') return handleFinalize(context)
  if (subresource === 'scale') return handleScale(context)
  if (subresource === 'binding') return handleBinding(context)
  if (served.resource.kind === 'Binding' && !served.custom) return handleBindings(context)
  if (subresource === 'eviction') return handleEviction(context)
  if (isStream(subresource)) return handleStream(context)
  if (subresource === 'token') return handleTokenRequest(context)
  switch (verb) {
    case 'get':
      return handleGet(context)
    case 'list':
      return handleList(context)
    case 'watch':
      return handleWatch(context, presentation)
    case 'create':
      return handleCreate(context)
    case 'update':
    case 'patch':
      // Whoever may write an object that is not there creates it, and must be allowed to.
      if (verb === 'update' ? updatesNewObject(context) : appliesNewObject(context)) {
        if (!served.verbs.includes('create')) {
          throw served.custom ? terminating(served, request.name) : methodNotAllowed(groupResourceOf(served), 'create')
        }
        authorize(cluster, user, { ...attributesOf(request, context.query), verb: 'create' })
      }
      return verb === 'update' ? handleUpdate(context) : handlePatch(context)
    case 'delete':
      return handleDelete(context)
    case 'deletecollection':
      return handleDeleteCollection(context)
  }
}

/** Paths of built-in kinds have no such method; those of others are handled by one who looks for a name first. */
function unfitting(served: ServedResource, verb: Verb): ApiError {
  if (!served.custom) return methodNotServed()
  if (verb === 'update' || verb === 'patch') return badRequest('name must be provided')
  return methodNotAllowed(groupResourceOf(served), verb)
}

/** Objects are created in collections, and changed under their own name. */
function fitsPath({ verb, name, subresource }: ResourceRequest): boolean {
  if (verb === 'create') return name === undefined || subresource !== undefined
  return name !== undefined || (verb !== 'update' && verb !== 'patch')
}

/** The answer about what is not there: of a defined kind the object, when it has no such subresource. */
function unserved(cluster: LogicalCluster, served: ServedResource | undefined, request: ResourceRequest): Reply {
  const { group, name, namespace, subresource } = request
  if (served?.custom === true && name !== undefined && subresource !== undefined) {
    throw notFound(groupResourceOf(served), name)
  }
  if (!cluster.registry.isBuiltIn(group)) return pageNotFound()
  // Across namespaces there is a path, to read.
  const across = served?.resource.namespaced === true && namespace === undefined && name === undefined
  throw across ? methodNotServed() : resourceNotFound()
}

/** Whether path and scope fit the resource. */
function isServed(served: ServedResource, request: ResourceRequest): boolean {
  const { resource } = served
  const { subresource, name, namespace, verb } = request
  if (subresource !== undefined && !subresourcesOf(served).includes(subresource)) return false
  // A namespace counts as being in itself, for the sake of rights on it.
  if (!resource.namespaced) return namespace === undefined || (isNamespaces(request) && namespace === name)
  if (namespace !== undefined) return true
  // Across namespaces there are only collections to read.
  return name === undefined && (verb === 'list' || verb === 'watch')
}

function isNamespaces({ group, plural }: ResourceRequest): boolean {
  return group === '' && plural === 'namespaces'
}

function attributesOf(request: ResourceRequest, query: URLSearchParams): Exclude<AccessAttributes, { path: string }> {
  const { verb, group, plural, subresource, namespace } = request
  return { verb, group, resource: plural, subresource, namespace, name: request.name ?? selectedName(verb, query) }
}

/** A list of one name needs no more rights than the object of that name. */
function selectedName(verb: Verb, query: URLSearchParams): string | undefined {
  if (verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection') return undefined
  return /^metadata\.name==?([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1]
}

function authorize(
  cluster: LogicalCluster,
  user: RequestContext['user'],
  attributes: Exclude<AccessAttributes, { path: string }>,
): void {
  if (cluster.authorizer.allows(user, attributes)) return
  const { group, resource, name = '' } = attributes
  throw forbidden({ group, resource }, name, denial(user, attributes))
}

async function reply(answer: Answer, presentation: Presentation, clock: Clock): Promise<Reply> {
  switch (answer.kind) {
    case 'object':
      return jsonReply(answer.code, representObject(answer.view, presentation))
    case 'list': {
      const { items, resourceVersion, continueToken, remaining } = answer.list
      const metadata = {
        resourceVersion,
        ...(continueToken === undefined ? {} : { continue: continueToken }),
        ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
      }
      return jsonReply(200, await representList(items, metadata, presentation, clock))
    }
    case 'status':
      return statusReply(answer.status)
    case 'nothing':
      return { status: 204, headers: { 'cache-control': 'no-cache, private' }, body: new Uint8Array() }
    case 'watch':
      return jsonReply(200, answer.stream)
  }
}

function withWarnings(reply: Reply, warnings: readonly string[]): Reply {
  if (warnings.length === 0) return reply
  const text = warnings.map((warning) => `299 - "${warning.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`)
  return { ...reply, headers: { ...reply.headers, warning: text.join(', ') } }
}
