import type { Database } from '../database.ts'
import type { AnyObject } from '../object.ts'
import { mastersGroup } from '../user.ts'
import type { UserInfo } from '../user.ts'

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

/** rbac.authorization.k8s.io/v1 PolicyRule. */
export interface PolicyRule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
}

interface Binding extends AnyObject {
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[]
  readonly roleRef: { readonly kind: string; readonly name: string }
}

/** The rules one user has, everywhere and by namespace. */
interface Policy {
  readonly everywhere: readonly PolicyRule[]
  readonly byNamespace: ReadonlyMap<string, readonly PolicyRule[]>
}

const GROUP = 'rbac.authorization.k8s.io'
/** Users whose rules are kept worked out. */
const MAX_POLICIES = 4096

/** Decides by the roles and bindings stored in one logical cluster. Members of `system:masters` may do anything. */
export class RbacAuthorizer {
  readonly #cluster: string
  readonly #database: Database
  readonly #policies = new Map<string, Policy>()
  readonly #endWatch: () => void

  constructor(cluster: string, database: Database) {
    this.#cluster = cluster
    this.#database = database
    const { store } = database
    this.#endWatch = store.watch(`/${cluster}/${GROUP}/`, store.revision, () => this.#policies.clear())
  }

  close(): void {
    this.#endWatch()
  }

  allows(user: UserInfo, attributes: AccessAttributes): boolean {
    if (user.groups.includes(mastersGroup)) return true
    const policy = this.#policyOf(user)
    if ('path' in attributes)
      return policy.everywhere.some((rule) => matchesPath(rule, attributes.verb, attributes.path))
    if (policy.everywhere.some((rule) => matches(rule, attributes))) return true
    const { namespace } = attributes
    if (namespace === undefined || namespace === '') return false
    return policy.byNamespace.get(namespace)?.some((rule) => matches(rule, attributes)) ?? false
  }

  /** All rules that hold for `user` in `namespace`. */
  rulesOf(user: UserInfo, namespace: string): PolicyRule[] {
    const { everywhere, byNamespace } = this.#policyOf(user)
    return [...everywhere, ...(byNamespace.get(namespace) ?? [])]
  }

  #policyOf(user: UserInfo): Policy {
    const identity = JSON.stringify([user.name, user.groups])
    let policy = this.#policies.get(identity)
    if (policy === undefined) {
      policy = this.#collect(user)
      if (this.#policies.size >= MAX_POLICIES) this.#policies.clear()
      this.#policies.set(identity, policy)
    }
    return policy
  }

  #collect(user: UserInfo): Policy {
    const everywhere: PolicyRule[] = []
    const byNamespace = new Map<string, PolicyRule[]>()
    for (const binding of this.#list('clusterrolebindings')) {
      if (concerns(binding, user)) everywhere.push(...this.#rules('clusterroles', undefined, binding.roleRef.name))
    }
    for (const binding of this.#list('rolebindings')) {
      if (!concerns(binding, user)) continue
      const namespace = binding.metadata.namespace!
      const rules =
        binding.roleRef.kind === 'ClusterRole'
          ? this.#rules('clusterroles', undefined, binding.roleRef.name)
          : this.#rules('roles', namespace, binding.roleRef.name)
      const known = byNamespace.get(namespace)
      if (known === undefined) byNamespace.set(namespace, [...rules])
      else known.push(...rules)
    }
    return { everywhere, byNamespace }
  }

  #list(plural: string): Binding[] {
    const prefix = this.#database.prefix(this.#cluster, { group: GROUP, plural })
    return this.#database.store.range(prefix).items.map((stored) => this.#database.parse(stored) as Binding)
  }

  #rules(plural: string, namespace: string | undefined, name: string): readonly PolicyRule[] {
    const role = this.#database.read(this.#database.key(this.#cluster, { group: GROUP, plural }, namespace, name))
    return (role?.['rules'] as readonly PolicyRule[] | null | undefined) ?? []
  }
}

function concerns(binding: Binding, user: UserInfo): boolean {
  return (binding.subjects ?? []).some((subject) => {
    switch (subject.kind) {
      case 'User':
        return subject.name === '*' || subject.name === user.name
      case 'Group':
        return user.groups.includes(subject.name)
      case 'ServiceAccount':
        return user.name === `system:serviceaccount:${subject.namespace ?? binding.metadata.namespace}:${subject.name}`
      default:
        return false
    }
  })
}

function matches(rule: PolicyRule, attributes: Exclude<AccessAttributes, { path: string }>): boolean {
  const { verb, group, resource, subresource, name } = attributes
  if (!includes(rule.verbs, verb) || !includes(rule.apiGroups, group)) return false
  const full = subresource === undefined || subresource === '' ? resource : `${resource}/${subresource}`
  const named =
    rule.resources?.some(
      (candidate) => candidate === '*' || candidate === full || (full !== resource && candidate === `*/${subresource}`),
    ) ?? false
  if (!named) return false
  if (rule.resourceNames === undefined || rule.resourceNames.length === 0) return true
  return name !== undefined && name !== '' && rule.resourceNames.includes(name)
}

function matchesPath(rule: PolicyRule, verb: string, path: string): boolean {
  if (!includes(rule.verbs, verb)) return false
  return (
    rule.nonResourceURLs?.some(
      (candidate) =>
        candidate === '*' || candidate === path || (candidate.endsWith('*') && path.startsWith(candidate.slice(0, -1))),
    ) ?? false
  )
}

function includes(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes('*') || values.includes(value))
}

/** Why an access is refused, in the words of Kubernetes. */
export function denial(user: UserInfo, attributes: AccessAttributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`
  if ('path' in attributes) return `${who} path ${JSON.stringify(attributes.path)}`
  const { group, resource, subresource, namespace } = attributes
  const full = subresource === undefined || subresource === '' ? resource : `${resource}/${subresource}`
  const where =
    namespace === undefined || namespace === ''
      ? 'at the cluster scope'
      : `in the namespace ${JSON.stringify(namespace)}`
  return `${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`
}
