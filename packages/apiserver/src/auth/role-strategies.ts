import { deepEqual, fieldInvalid, fieldNotSupported, fieldRequired, forbidden, notFound } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { subdomainProblems } from '../objects/dns-names.ts'
import { isRecord } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import type { AnyObject } from '../objects/object.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { Strategy } from '../served-resource.ts'
import { mastersGroup } from '../user.ts'
import type { WriteContext } from '../write/write-context.ts'
import type { Binding } from './binding-index.ts'
import { describeRules, missingRules, quoteAll, RBAC_GROUP } from './policy-rules.ts'
import type { PolicyRule } from './policy-rules.ts'

/** What who sets an aggregation rule must be allowed to do, as it can gather anything. */
const EVERYTHING: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
]

/** Roles: nobody gives rights away that he does not have, unless he may `escalate`. */
export const roleStrategy: Strategy = {
  validate: (object) => validateRules(object['rules'], true),
  authorize(context, object, live) {
    if (isTrusted(context) || onlyFreesObject(object, live)) return
    const { served, cluster, user, namespace } = context
    const { group, plural: resource } = served.resource
    const { name } = object.metadata
    if (cluster.authorizer.allows(user, { verb: 'escalate', group, resource, namespace, name })) return
    refuseEscalation(context, name, (object['rules'] as PolicyRule[] | null | undefined) ?? [])
    if (object['aggregationRule'] === undefined && live?.['aggregationRule'] === undefined) return
    if (missingRules(cluster.authorizer.rulesOf(user, undefined), EVERYTHING).length > 0) {
      throw forbidden(groupResourceOf(served), name, 'must have cluster-admin privileges to use an aggregationRule')
    }
  },
}

/** Roles of the cluster may also be about paths, and gather the rules of others. */
export const clusterRoleStrategy: Strategy = {
  ...roleStrategy,
  validate(object) {
    const errors = validateRules(object['rules'], false)
    const aggregation = object['aggregationRule']
    if (aggregation === undefined || aggregation === null) return errors
    const selectors = isRecord(aggregation) ? aggregation['clusterRoleSelectors'] : undefined
    const found = Array.isArray(selectors) ? selectors : []
    if (!Array.isArray(selectors) || selectors.length === 0) {
      const why = 'at least one clusterRoleSelector required if aggregationRule is non-nil'
      errors.push(fieldRequired('aggregationRule.clusterRoleSelectors', why))
    }
    for (const [index, selector] of found.entries()) {
      const path = `aggregationRule.clusterRoleSelectors[${index}]`
      const before = errors.length
      checkSelector(selector, path, errors)
      if (errors.length > before) errors.push(fieldInvalid(path, null, 'invalid label selector.'))
    }
    return errors
  },
}

/**
 * Bindings: nobody binds a role with rights that he does not have, unless he may `bind` it. The role of a binding
 * cannot change: whoever was allowed to bind one role may not slip in another.
 */
export const roleBindingStrategy: Strategy = {
  prepareCreate: withDefaults,
  prepareUpdate: withDefaults,
  validate: validateBinding,
  authorize(context, object, live) {
    if (isTrusted(context) || onlyFreesObject(object, live)) return
    const { cluster, user, namespace } = context
    const reference = object['roleRef'] as Binding['roleRef'] | undefined
    // Validation has more to say about a binding without a role.
    if (!isRecord(reference) || typeof reference.name !== 'string') return
    const resource = reference.kind === 'Role' ? 'roles' : 'clusterroles'
    const { name } = reference
    if (cluster.authorizer.allows(user, { verb: 'bind', group: RBAC_GROUP, resource, namespace, name })) return
    const rules = cluster.authorizer.rulesOfRole(reference, namespace)
    if (rules === undefined) throw notFound({ group: RBAC_GROUP, resource }, name)
    refuseEscalation(context, object.metadata.name, rules)
  },
}

function isTrusted({ user }: WriteContext): boolean {
  return user.groups.includes(mastersGroup)
}

/** Whether a write does no more than let go of an object, as garbage collection does. */
function onlyFreesObject(object: AnyObject, live: AnyObject | undefined): boolean {
  if (live === undefined) return false
  const essence = ({ metadata, ...rest }: AnyObject): unknown => {
    const { ownerReferences: _o, finalizers: _f, managedFields: _m, resourceVersion: _r, ...meta } = metadata
    return { ...rest, metadata: meta }
  }
  const freed = (field: 'ownerReferences' | 'finalizers'): boolean =>
    (object.metadata[field]?.length ?? 0) < (live.metadata[field]?.length ?? 0)
  return (freed('ownerReferences') || freed('finalizers')) && deepEqual(essence(object), essence(live))
}

/** @throws ApiError Forbidden when the user lacks one of the rights of `rules` itself */
function refuseEscalation(
  { cluster, served, user, namespace }: WriteContext,
  name: string,
  rules: readonly PolicyRule[],
): void {
  const missing = missingRules(cluster.authorizer.rulesOf(user, namespace), rules)
  if (missing.length === 0) return
  const who = `user ${JSON.stringify(user.name)} (groups=${quoteAll(user.groups)})`
  throw forbidden(
    groupResourceOf(served),
    name,
    `${who} is attempting to grant RBAC permissions not currently held:\n${describeRules(missing)}`,
  )
}

function validateRules(rules: unknown, namespaced: boolean): FieldError[] {
  if (rules === undefined || rules === null) return []
  if (!Array.isArray(rules)) return [fieldInvalid('rules', rules as Json, 'must be a list')]
  return rules.flatMap((rule, index) => validateRule(rule, `rules[${index}]`, namespaced))
}

const RULE_FIELDS = ['verbs', 'apiGroups', 'resources', 'resourceNames', 'nonResourceURLs'] as const

function validateRule(rule: unknown, path: string, namespaced: boolean): FieldError[] {
  if (!isRecord(rule)) return [fieldInvalid(path, rule as Json, 'must be an object')]
  const errors: FieldError[] = []
  for (const field of RULE_FIELDS) {
    const value = rule[field]
    if (value === undefined || value === null) continue
    if (!Array.isArray(value) || value.some((text) => typeof text !== 'string')) {
      errors.push(fieldInvalid(`${path}.${field}`, value as Json, 'must be a list of strings'))
    }
  }
  if (errors.length > 0) return errors
  const has = (field: (typeof RULE_FIELDS)[number]): boolean =>
    ((rule[field] as string[] | null | undefined) ?? []).length > 0
  if (!has('verbs')) errors.push(fieldRequired(`${path}.verbs`, 'verbs must contain at least one value'))
  if (has('nonResourceURLs')) {
    const refuse = (why: string): number =>
      errors.push(fieldInvalid(`${path}.nonResourceURLs`, rule['nonResourceURLs'] as Json, why))
    if (namespaced) refuse('namespaced rules cannot apply to non-resource URLs')
    if (has('apiGroups') || has('resources') || has('resourceNames')) {
      refuse('rules cannot apply to both regular resources and non-resource URLs')
    }
    return errors
  }
  if (!has('apiGroups')) {
    errors.push(fieldRequired(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  }
  if (!has('resources')) {
    errors.push(fieldRequired(`${path}.resources`, 'resource rules must supply at least one resource'))
  }
  return errors
}

/** With the group of roles, and of users and groups, where it was left out. */
function withDefaults(object: AnyObject): AnyObject {
  const reference = object['roleRef']
  const subjects = object['subjects']
  return {
    ...object,
    ...(isRecord(reference) ? { roleRef: withGroup(reference) } : {}),
    ...(Array.isArray(subjects)
      ? {
          subjects: subjects.map((subject: unknown) =>
            isRecord(subject) && subject['kind'] !== 'ServiceAccount' ? withGroup(subject) : subject,
          ),
        }
      : {}),
  }
}

function withGroup(reference: Record<string, unknown>): object {
  return (reference['apiGroup'] ?? '') === '' ? { ...reference, apiGroup: RBAC_GROUP } : reference
}

function validateBinding(object: AnyObject, live: AnyObject | undefined): FieldError[] {
  const reference = object['roleRef']
  if (!isRecord(reference)) return [fieldRequired('roleRef')]
  const namespaced = object.metadata.namespace !== undefined
  const errors: FieldError[] = []
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (reference['apiGroup'] !== RBAC_GROUP) {
    errors.push(fieldNotSupported('roleRef.apiGroup', reference['apiGroup'] as Json, [RBAC_GROUP]))
  }
  if (!kinds.includes(reference['kind'] as string)) {
    errors.push(fieldNotSupported('roleRef.kind', (reference['kind'] ?? '') as Json, kinds))
  }
  if (typeof reference['name'] !== 'string' || reference['name'] === '') errors.push(fieldRequired('roleRef.name'))
  const subjects = object['subjects'] ?? []
  if (!Array.isArray(subjects)) return [...errors, fieldInvalid('subjects', subjects as Json, 'must be a list')]
  subjects.forEach((subject: unknown, index) => {
    errors.push(...validateSubject(isRecord(subject) ? subject : {}, `subjects[${index}]`, namespaced))
  })
  if (live !== undefined && !deepEqual(reference, live['roleRef'])) {
    const { apiGroup, kind, name } = reference
    const shown = { APIGroup: apiGroup, Kind: kind, Name: name } as Json
    errors.push(fieldInvalid('roleRef', shown, 'cannot change roleRef'))
  }
  return errors
}

function validateSubject(subject: Record<string, unknown>, path: string, namespaced: boolean): FieldError[] {
  const { name, kind, apiGroup = '', namespace = '' } = subject
  const errors: FieldError[] = []
  if (typeof name !== 'string' || name === '') errors.push(fieldRequired(`${path}.name`))
  switch (kind) {
    case 'ServiceAccount':
      if (typeof name === 'string' && name !== '') {
        errors.push(...subdomainProblems(name).map((why) => fieldInvalid(`${path}.name`, name, why)))
      }
      if (apiGroup !== '') errors.push(fieldNotSupported(`${path}.apiGroup`, apiGroup as Json, ['']))
      if (!namespaced && namespace === '') errors.push(fieldRequired(`${path}.namespace`))
      break
    case 'User':
    case 'Group':
      if (apiGroup !== RBAC_GROUP) errors.push(fieldNotSupported(`${path}.apiGroup`, apiGroup as Json, [RBAC_GROUP]))
      break
    default: {
      const kinds = ['ServiceAccount', 'User', 'Group']
      errors.push(fieldNotSupported(`${path}.kind`, (kind ?? '') as Json, kinds))
    }
  }
  return errors
}
