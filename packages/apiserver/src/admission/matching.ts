import { labelSelectorFrom, notFound } from '@locktender/kube'
import type { LabelSelector, LabelSelectorObject } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { subresourcesOf } from '../subresources.ts'
import { isNamespace, namespaceOf } from './attributes.ts'
import type { AdmissionAttributes } from './attributes.ts'

/** admissionregistration.k8s.io/v1 NamedRuleWithOperations; webhooks have no `resourceNames`. */
export interface Rule {
  readonly operations: readonly string[]
  readonly apiGroups: readonly string[]
  readonly apiVersions: readonly string[]
  readonly resources: readonly string[]
  readonly scope?: string
  readonly resourceNames?: readonly string[]
}

/** What a configuration says about the writes it is for. */
export interface MatchCriteria {
  readonly rules: readonly Rule[]
  readonly equivalent: boolean
  readonly namespaceSelector: LabelSelector
  readonly objectSelector: LabelSelector
}

/** Selectors that are absent match everything. */
export function selectorFrom(selector: unknown): LabelSelector {
  return labelSelectorFrom((selector ?? {}) as LabelSelectorObject)
}

/**
 * The version of the resource under which a write falls under one of the rules: that of the request, or with
 * `equivalent` another one that shows the same objects.
 */
export function matchRules(
  rules: readonly Rule[],
  equivalent: boolean,
  attributes: AdmissionAttributes,
): ServedResource | undefined {
  const { served, cluster, subresource } = attributes.context
  if (rules.some((rule) => matchesRule(rule, served, attributes))) return served
  if (!equivalent) return undefined
  const others = cluster.registry
    .equivalents(served)
    .filter((other) => subresource === undefined || subresourcesOf(other).includes(subresource))
  for (const rule of rules) {
    const other = others.find((candidate) => matchesRule(rule, candidate, attributes))
    if (other !== undefined) return other
  }
  return undefined
}

function matchesRule(rule: Rule, { resource }: ServedResource, attributes: AdmissionAttributes): boolean {
  const { context, operation, name } = attributes
  const names = rule.resourceNames ?? []
  return (
    matchesScope(rule, attributes) &&
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, resource.group) &&
    includes(rule.apiVersions, resource.version) &&
    rule.resources.some((text) => matchesResource(text, resource.plural, context.subresource ?? '')) &&
    (names.length === 0 || names.includes(name))
  )
}

function matchesScope({ scope = '*' }: Rule, { context }: AdmissionAttributes): boolean {
  if (scope === '*') return true
  // Requests for a namespace have that namespace, and are for a cluster-scoped object nevertheless.
  const namespaced = context.namespace !== undefined
  return scope === 'Namespaced' ? namespaced : scope === 'Cluster' && !namespaced
}

function matchesResource(text: string, plural: string, subresource: string): boolean {
  const slash = text.indexOf('/')
  const wanted = slash === -1 ? text : text.slice(0, slash)
  const part = slash === -1 ? '' : text.slice(slash + 1)
  return (wanted === '*' || wanted === plural) && (part === '*' || part === subresource)
}

function includes(items: readonly string[], wanted: string): boolean {
  return items.includes('*') || items.includes(wanted)
}

/**
 * Whether the namespace of the write is selected; cluster-scoped objects always are.
 * @throws ApiError NotFound when there is no such namespace
 */
function matchesNamespace(selector: LabelSelector, attributes: AdmissionAttributes): boolean {
  const name = namespaceOf(attributes)
  const { context, operation, object } = attributes
  const itself = isNamespace(context)
  if (selector.empty || (name === '' && !itself)) return true
  if (itself && context.subresource === undefined && operation !== 'DELETE') {
    return selector.matches(object?.metadata.labels)
  }
  const namespace = context.cluster.namespace(name)
  if (namespace === undefined) throw notFound({ group: '', resource: 'namespaces' }, name)
  return selector.matches(namespace.metadata.labels)
}

/**
 * What `byRules` says of a write whose namespace and object are selected; undefined for the others.
 * @throws ApiError NotFound when everything fits but there is no such namespace
 */
export function matchSelected(
  { namespaceSelector, objectSelector }: MatchCriteria,
  attributes: AdmissionAttributes,
  byRules: () => ServedResource | undefined,
): ServedResource | undefined {
  let failed: unknown
  try {
    if (!matchesNamespace(namespaceSelector, attributes)) return undefined
  } catch (error) {
    failed = error
  }
  if (!matchesObject(objectSelector, attributes)) return undefined
  const as = byRules()
  // Only now is it certain that the missing namespace matters.
  if (as !== undefined && failed !== undefined) throw failed
  return as
}

/** Whether the object is selected, as it is or as it will be. */
function matchesObject(selector: LabelSelector, { object, oldObject }: AdmissionAttributes): boolean {
  if (selector.empty) return true
  const selects = (candidate: AnyObject | undefined): boolean =>
    candidate !== undefined && selector.matches(candidate.metadata.labels)
  return selects(object) || selects(oldObject)
}
