/** API group of roles and their bindings. */
export const RBAC_GROUP = 'rbac.authorization.k8s.io'

/** rbac.authorization.k8s.io/v1 PolicyRule. */
export interface PolicyRule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
}

/** What somebody wants to do with a resource, or with a path that is none. */
export type AccessAttributes =
  | {
      readonly verb: string
      readonly group: string
      readonly resource: string
      readonly subresource?: string | undefined
      readonly namespace?: string | undefined
      readonly name?: string | undefined
    }
  | { readonly verb: string; readonly path: string }

/** Whether a rule allows an access to a resource, wherever the rule holds. */
export function matchesResource(rule: PolicyRule, attributes: Exclude<AccessAttributes, { path: string }>): boolean {
  const { verb, group, resource, subresource, name } = attributes
  if (!includes(rule.verbs, verb) || !includes(rule.apiGroups, group)) return false
  if (!(rule.resources ?? []).some((candidate) => namesResource(candidate, fullResource(resource, subresource)))) {
    return false
  }
  if (isEmpty(rule.resourceNames)) return true
  return name !== undefined && name !== '' && rule.resourceNames!.includes(name)
}

/** Whether a rule allows an access to a path. */
export function matchesPath(rule: PolicyRule, verb: string, path: string): boolean {
  return includes(rule.verbs, verb) && (rule.nonResourceURLs ?? []).some((candidate) => namesPath(candidate, path))
}

/** `widgets/status`, as rules name a subresource. */
export function fullResource(resource: string, subresource: string | undefined): string {
  return subresource === undefined || subresource === '' ? resource : `${resource}/${subresource}`
}

/** Most of the missing rights that are listed; more would only cost time. */
const MAX_MISSING = 100

/**
 * The part of `wanted` that `held` does not allow, each as a rule of one verb on one thing, the first hundred of them;
 * empty when everything is allowed.
 */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing: PolicyRule[] = []
  for (const rule of wanted) {
    if (held.some((own) => covers(own, rule))) continue
    for (const part of partsOf(rule)) {
      if (held.some((own) => covers(own, part))) continue
      missing.push(part)
      if (missing.length === MAX_MISSING) return missing
    }
  }
  return missing
}

/** Single rights that make up a rule. */
function* partsOf(rule: PolicyRule): Generator<PolicyRule> {
  const verbs = [...new Set(rule.verbs)]
  for (const apiGroup of new Set(rule.apiGroups)) {
    for (const resource of new Set(rule.resources)) {
      for (const verb of verbs) {
        const part = { apiGroups: [apiGroup], resources: [resource], verbs: [verb] }
        if (isEmpty(rule.resourceNames)) yield part
        else for (const name of new Set(rule.resourceNames)) yield { ...part, resourceNames: [name] }
      }
    }
  }
  for (const path of new Set(rule.nonResourceURLs)) {
    for (const verb of verbs) yield { nonResourceURLs: [path], verbs: [verb] }
  }
}

/** Whether everything `rule` allows is allowed by `own` alone. */
function covers(own: PolicyRule, rule: PolicyRule): boolean {
  if (!rule.verbs.every((verb) => includes(own.verbs, verb))) return false
  const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  return (
    apiGroups.every((group) => includes(own.apiGroups, group)) &&
    resources.every((resource) => (own.resources ?? []).some((candidate) => namesResource(candidate, resource))) &&
    nonResourceURLs.every((path) => (own.nonResourceURLs ?? []).some((candidate) => namesPath(candidate, path))) &&
    (isEmpty(own.resourceNames) ||
      (resourceNames.length > 0 && resourceNames.every((name) => own.resourceNames!.includes(name))))
  )
}

/** Rules in short, in the words of Kubernetes: verbs on the same thing in one line, lines in order. */
export function describeRules(rules: readonly PolicyRule[]): string {
  const lines = new Map<string, PolicyRule>()
  for (const rule of rules) {
    const { verbs: _verbs, ...thing } = rule
    const key = JSON.stringify(thing)
    const known = lines.get(key)
    lines.set(key, known === undefined ? rule : { ...rule, verbs: [...known.verbs, ...rule.verbs] })
  }
  return [...lines.values()].map(describe).toSorted().join('\n')
}

function describe({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ]
  return `{${parts.flatMap(([name, values]) => (isEmpty(values) ? [] : [`${name}:${quoteAll(values!)}`])).join(', ')}}`
}

/** A list of texts as Go prints it. */
export function quoteAll(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`
}

function namesResource(candidate: string, full: string): boolean {
  if (candidate === '*' || candidate === full) return true
  const slash = full.indexOf('/')
  return slash !== -1 && candidate === `*${full.slice(slash)}`
}

function namesPath(candidate: string, path: string): boolean {
  return candidate === '*' || candidate === path || (candidate.endsWith('*') && path.startsWith(candidate.slice(0, -1)))
}

function includes(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes('*') || values.includes(value))
}

function isEmpty(values: readonly string[] | undefined): boolean {
  return values === undefined || values.length === 0
}
