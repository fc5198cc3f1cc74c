import type { Database } from '../database.ts'
import { mastersGroup } from '../user.ts'
import type { UserInfo } from '../user.ts'
import { BindingIndex } from './binding-index.ts'
import type { Binding, ConcerningBinding } from './binding-index.ts'
import { fullResource, matchesPath, matchesResource, RBAC_GROUP } from './policy-rules.ts'
import type { AccessAttributes, PolicyRule } from './policy-rules.ts'

/** A rule somebody has, and where it comes from. */
interface Grant {
  readonly rule: PolicyRule
  readonly binding: ConcerningBinding
}

/** The rules one user has, everywhere and by namespace. */
interface Policy {
  readonly everywhere: readonly Grant[]
  readonly byNamespace: ReadonlyMap<string, readonly Grant[]>
}

/** Users whose rules are kept worked out. */
const MAX_POLICIES = 4096

/** Decides by the roles and bindings stored in one logical cluster. Members of `system:masters` may do anything. */
export class RbacAuthorizer {
  readonly #cluster: string
  readonly #database: Database
  readonly #bindings: BindingIndex
  readonly #policies = new Map<string, Policy>()
  readonly #endWatch: () => void

  constructor(cluster: string, database: Database) {
    this.#cluster = cluster
    this.#database = database
    const { store } = database
    this.#bindings = new BindingIndex(cluster, database)
    this.#endWatch = store.watch(`/${cluster}/${RBAC_GROUP}/`, store.revision, (events) => {
      for (const { key, value, revision } of events) {
        this.#bindings.observe(key, value === undefined ? undefined : database.parse({ key, value, revision }))
      }
      this.#policies.clear()
    })
  }

  close(): void {
    this.#endWatch()
  }

  allows(user: UserInfo, attributes: AccessAttributes): boolean {
    return user.groups.includes(mastersGroup) || this.#find(user, attributes) !== undefined
  }

  /** Why an access is allowed, in the words of Kubernetes; undefined when it is not. */
  reason(user: UserInfo, attributes: AccessAttributes): string | undefined {
    if (user.groups.includes(mastersGroup)) return ''
    const grant = this.#find(user, attributes)
    return grant === undefined ? undefined : `RBAC: allowed by ${describeBinding(grant.binding)}`
  }

  /** All rules that hold for `user` in `namespace`, or for the whole cluster without one. */
  rulesOf(user: UserInfo, namespace: string | undefined): PolicyRule[] {
    const { everywhere, byNamespace } = this.#policyOf(user)
    const local = namespace === undefined ? [] : (byNamespace.get(namespace) ?? [])
    return [...everywhere, ...local].map(({ rule }) => rule)
  }

  /** Rules of a role as a binding in `namespace` refers to it; undefined when there is no such role. */
  rulesOfRole(reference: Binding['roleRef'], namespace: string | undefined): readonly PolicyRule[] | undefined {
    const [plural, where] = reference.kind === 'ClusterRole' ? ['clusterroles', undefined] : ['roles', namespace]
    const key = this.#database.key(this.#cluster, { group: RBAC_GROUP, plural }, where, reference.name)
    const role = this.#database.read(key)
    return role === undefined ? undefined : ((role['rules'] as readonly PolicyRule[] | null | undefined) ?? [])
  }

  #find(user: UserInfo, attributes: AccessAttributes): Grant | undefined {
    const { everywhere, byNamespace } = this.#policyOf(user)
    if ('path' in attributes) {
      return everywhere.find(({ rule }) => matchesPath(rule, attributes.verb, attributes.path))
    }
    const fits = ({ rule }: Grant): boolean => matchesResource(rule, attributes)
    const found = everywhere.find(fits)
    const { namespace } = attributes
    if (found !== undefined || namespace === undefined || namespace === '') return found
    return byNamespace.get(namespace)?.find(fits)
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
    const everywhere: Grant[] = []
    const byNamespace = new Map<string, Grant[]>()
    for (const found of this.#bindings.of(user)) {
      const { roleRef, metadata } = found.binding
      const { namespace } = metadata
      // Only a role of the cluster can be bound everywhere.
      if (namespace === undefined && roleRef.kind !== 'ClusterRole') continue
      const grants = (this.rulesOfRole(roleRef, namespace) ?? []).map((rule) => ({ rule, binding: found }))
      const known = namespace === undefined ? everywhere : byNamespace.get(namespace)
      if (known === undefined) byNamespace.set(namespace!, grants)
      else known.push(...grants)
    }
    return { everywhere, byNamespace }
  }
}

function describeBinding({ binding, subject }: ConcerningBinding): string {
  const { kind, metadata, roleRef } = binding
  const { name, namespace } = metadata
  const own = namespace === undefined ? name : `${name}/${namespace}`
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name
  const role = `${roleRef.kind} ${JSON.stringify(roleRef.name)}`
  return `${kind} ${JSON.stringify(own)} of ${role} to ${subject.kind} ${JSON.stringify(who)}`
}

/** Why an access is refused, in the words of Kubernetes. */
export function denial(user: UserInfo, attributes: AccessAttributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`
  if ('path' in attributes) return `${who} path ${JSON.stringify(attributes.path)}`
  const { group, resource, subresource, namespace } = attributes
  const full = fullResource(resource, subresource)
  const where =
    namespace === undefined || namespace === ''
      ? 'at the cluster scope'
      : `in the namespace ${JSON.stringify(namespace)}`
  return `${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`
}
