import { badRequest, fieldRequired, invalid } from '@locktender/kube'
import { asObject, parseBody } from '../decode.ts'
import type { Answer } from '../handlers/answer.ts'
import type { RequestContext } from '../handlers/context.ts'
import { isYamlBody } from '../media-types.ts'
import { isRecord } from '../object.ts'
import type { AnyObject } from '../object.ts'
import type { ServedResource } from '../served-resource.ts'
import type { UserInfo } from '../user.ts'
import { View } from '../view.ts'
import type { AccessAttributes } from './policy-rules.ts'

/** Whether a resource answers questions about access instead of keeping objects. */
export function isReview({ resource }: ServedResource): boolean {
  return resource.group === 'authorization.k8s.io' || resource.group === 'authentication.k8s.io'
}

/** POST of a review: the same object with its status filled in. */
export function reviewAccess(context: RequestContext): Answer {
  const { served, body, headers, user, cluster, request } = context
  const review = asObject(parseBody(body, isYamlBody(headers['content-type'])).value, served)
  const spec = isRecord(review['spec']) ? review['spec'] : {}
  switch (served.resource.kind) {
    case 'SelfSubjectReview':
      return answer(review, undefined, {
        userInfo: describeUser(user),
      })
    case 'SelfSubjectRulesReview': {
      const namespace = textOf(spec, 'namespace')
      if (namespace === undefined) throw badRequest('no namespace on request')
      const rules = cluster.authorizer.rulesOf(user, namespace)
      return answer(review, spec, {
        resourceRules: rules
          .filter(({ resources }) => resources !== undefined && resources.length > 0)
          .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
        nonResourceRules: rules
          .filter(({ nonResourceURLs }) => nonResourceURLs !== undefined && nonResourceURLs.length > 0)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
        incomplete: false,
      })
    }
    default: {
      const self = served.resource.kind === 'SelfSubjectAccessReview'
      const subject = self ? user : subjectOf(served, spec)
      const attributes = attributesOf(served, spec)
      if (served.resource.kind === 'LocalSubjectAccessReview' && 'resource' in attributes) {
        if (attributes.namespace !== request.namespace) {
          throw badRequest('spec.resourceAttributes.namespace must match the namespace of the request')
        }
      }
      const allowed = cluster.authorizer.allows(subject, attributes)
      return answer(review, spec, { allowed, ...(allowed ? { reason: 'RBAC: allowed' } : {}) })
    }
  }
}

function answer(review: AnyObject, spec: object | undefined, status: object): Answer {
  const { apiVersion, kind, metadata } = review
  const object = { kind, apiVersion, metadata: { ...metadata }, ...(spec === undefined ? {} : { spec }), status }
  return { kind: 'object', code: 201, view: View.ofObject(object as unknown as AnyObject) }
}

/** authentication.k8s.io/v1 UserInfo. */
export function describeUser({ name, uid, groups, extra }: UserInfo): object {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  }
}

function subjectOf({ resource }: ServedResource, spec: Record<string, unknown>): UserInfo {
  const groups = Array.isArray(spec['groups']) ? spec['groups'].filter((group) => typeof group === 'string') : []
  const name = textOf(spec, 'user')
  if (name === undefined && groups.length === 0) {
    throw invalid({ group: resource.group, kind: resource.kind }, '', [
      fieldRequired('spec.user', 'at least one of user or group must be specified'),
    ])
  }
  return { name: name ?? '', groups }
}

function attributesOf({ resource }: ServedResource, spec: Record<string, unknown>): AccessAttributes {
  const wanted = spec['resourceAttributes']
  const path = spec['nonResourceAttributes']
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
  throw invalid({ group: resource.group, kind: resource.kind }, '', [
    fieldRequired(
      'spec.resourceAttributes',
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ),
  ])
}

function textOf(record: Record<string, unknown>, field: string): string | undefined {
  const value = record[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}
