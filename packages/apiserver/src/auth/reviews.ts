import { badRequest, fieldInvalid, invalid } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { parseObject } from '../write/decode.ts'
import type { Answer } from '../handlers/answer.ts'
import type { RequestContext } from '../handlers/context.ts'
import { isYamlBody } from '../present/media-types.ts'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { authenticated } from '../user.ts'
import type { UserInfo } from '../user.ts'
import { View } from '../present/view.ts'
import { issuerOf } from './authenticator.ts'
import type { AccessAttributes } from './policy-rules.ts'

/** Whether a resource answers questions about access instead of keeping objects. */
export function isReview({ resource }: ServedResource): boolean {
  return resource.group === 'authorization.k8s.io' || resource.group === 'authentication.k8s.io'
}

/** POST of a review: the same object with its status filled in. */
export function reviewAccess(context: RequestContext): Answer | Promise<Answer> {
  const { served, body, headers, user, cluster, request } = context
  const review = parseObject(body, isYamlBody(headers['content-type']), served).object
  const spec = isRecord(review['spec']) ? review['spec'] : {}
  switch (served.resource.kind) {
    case 'SelfSubjectReview': {
      const metadata = { ...review.metadata, creationTimestamp: cluster.database.now() }
      return answer({ ...review, metadata }, undefined, { userInfo: describeUser(user) })
    }
    case 'SelfSubjectRulesReview':
      // As in Kubernetes, which does not repeat the question here.
      return answer(review, {}, rulesStatus(context, spec))
    case 'TokenReview':
      return tokenStatus(context, spec).then((status) => answer(review, spec, status))
    default: {
      const self = served.resource.kind === 'SelfSubjectAccessReview'
      const subject = self ? user : subjectOf(served, spec)
      const attributes = attributesOf(served, spec)
      if (served.resource.kind === 'LocalSubjectAccessReview') {
        if ('path' in attributes)
          throw refusal(served, 'spec.nonResourceAttributes', shownPath(spec), 'disallowed on this kind of request')
        if (attributes.namespace !== request.namespace) {
          const { namespace = '' } = attributes
          throw refusal(served, 'spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace')
        }
      }
      const reason = cluster.authorizer.reason(subject, attributes)
      if (reason === undefined) return answer(review, spec, { allowed: false })
      return answer(review, spec, { allowed: true, ...(reason === '' ? {} : { reason }) })
    }
  }
}

function answer(review: AnyObject, spec: object | undefined, status: object): Answer {
  const { apiVersion, kind, metadata } = review
  const object = { kind, apiVersion, metadata: { ...metadata }, ...(spec === undefined ? {} : { spec }), status }
  return { kind: 'object', code: 201, view: View.ofObject(object as unknown as AnyObject) }
}

function rulesStatus({ cluster, user }: RequestContext, spec: Record<string, unknown>): object {
  const namespace = textOf(spec, 'namespace')
  if (namespace === undefined) throw badRequest('no namespace on request')
  const rules = cluster.authorizer.rulesOf(user, namespace)
  return {
    resourceRules: rules
      .filter(({ resources }) => resources !== undefined && resources.length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs !== undefined && nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  }
}

/** Who a token stands for, if it is for one of the audiences that are asked about, or else for this server. */
async function tokenStatus({ cluster }: RequestContext, spec: Record<string, unknown>): Promise<object> {
  const token = textOf(spec, 'token')
  if (token === undefined) throw badRequest('token is required for TokenReview in authentication')
  const own = [issuerOf(cluster)]
  const asked = Array.isArray(spec['audiences']) ? (spec['audiences'] as string[]) : []
  const wanted = asked.length === 0 ? own : asked
  const identity = await cluster.credentials.tokens.identify(token, cluster)
  if (identity === undefined) return { user: {}, error: 'invalid bearer token' }
  const held = identity.audiences ?? own
  const audiences = wanted.filter((audience) => held.includes(audience))
  if (audiences.length === 0) {
    const [have, want] = [held, wanted].map((list) => JSON.stringify(list).replaceAll(',', ' '))
    return { user: {}, error: `token audiences ${have} is invalid for the target audiences ${want}` }
  }
  return { authenticated: true, user: describeUser(authenticated(identity.user)), audiences }
}

/** authentication.k8s.io/v1 UserInfo. */
function describeUser({ name, uid, groups, extra }: UserInfo): object {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  }
}

function subjectOf(served: ServedResource, spec: Record<string, unknown>): UserInfo {
  const groups = Array.isArray(spec['groups']) ? spec['groups'].filter((group) => typeof group === 'string') : []
  const name = textOf(spec, 'user')
  if (name === undefined && groups.length === 0) {
    throw refusal(served, 'spec.user', '', 'at least one of user or group must be specified')
  }
  return { name: name ?? '', groups }
}

function attributesOf(served: ServedResource, spec: Record<string, unknown>): AccessAttributes {
  const wanted = spec['resourceAttributes']
  const path = spec['nonResourceAttributes']
  if (isRecord(wanted) && isRecord(path)) {
    const why = 'cannot be specified in combination with resourceAttributes'
    throw refusal(served, 'spec.nonResourceAttributes', shownPath(spec), why)
  }
  if (isRecord(wanted)) {
    return {
      verb: textOf(wanted, 'verb') ?? '',
      group: textOf(wanted, 'group') ?? '',
      resource: textOf(wanted, 'resource') ?? '',
      subresource: textOf(wanted, 'subresource'),
      namespace: textOf(wanted, 'namespace'),
      name: textOf(wanted, 'name'),
    }
  }
  if (isRecord(path)) return { verb: textOf(path, 'verb') ?? '', path: textOf(path, 'path') ?? '' }
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
  throw refusal(served, 'spec.resourceAttributes', null, why)
}

/** Kubernetes leaves the kind out here. */
function refusal({ resource }: ServedResource, field: string, value: Json, why: string): Error {
  return invalid({ group: resource.group, kind: '' }, '', [fieldInvalid(field, value, why)])
}

/** As an API server shows it, with the field names of its own code. */
function shownPath({ nonResourceAttributes: asked }: Record<string, unknown>): Json {
  const { path, verb } = isRecord(asked) ? asked : {}
  return { Path: typeof path === 'string' ? path : '', Verb: typeof verb === 'string' ? verb : '' }
}

function textOf(record: Record<string, unknown>, field: string): string | undefined {
  const value = record[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}
