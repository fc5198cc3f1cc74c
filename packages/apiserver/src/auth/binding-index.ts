import { RBAC_GROUP } from './policy-rules.ts'
import type { Database } from '../database.ts'
import type { AnyObject } from '../objects/object.ts'
import { serviceAccountName } from '../user.ts'
import type { UserInfo } from '../user.ts'

/** rbac.authorization.k8s.io/v1 Subject. */
export interface Subject {
  readonly kind: string
  readonly name: string
  readonly namespace?: string
}

/** A RoleBinding or ClusterRoleBinding. */
export interface Binding extends AnyObject {
  readonly subjects?: readonly Subject[] | null
  readonly roleRef: { readonly kind: string; readonly name: string }
}

/** A binding that concerns somebody, and the subject through which it does. */
export interface ConcerningBinding {
  readonly binding: Binding
  readonly subject: Subject
}

/** Finds the bindings of one logical cluster by the users and groups they name, without looking at the others. */
export class BindingIndex {
  readonly #database: Database
  /** Keys of bindings by what {@link identityOf} says of their subjects. */
  readonly #bySubject = new Map<string, Map<string, Subject>>()
  readonly #identities = new Map<string, readonly string[]>()
  readonly #prefixes: readonly string[]

  constructor(cluster: string, database: Database) {
    this.#database = database
    this.#prefixes = ['clusterrolebindings', 'rolebindings'].map((plural) =>
      database.prefix(cluster, { group: RBAC_GROUP, plural }),
    )
    for (const prefix of this.#prefixes) {
      for (const { key, value, revision } of database.store.range(prefix, { at: database.store.revision }).items) {
        this.observe(key, database.parse({ key, value, revision }))
      }
    }
  }

  /** Takes in the new state of an object of the group; undefined when it is gone. */
  observe(key: string, object: AnyObject | undefined): void {
    if (!this.#prefixes.some((prefix) => key.startsWith(prefix))) return
    for (const identity of this.#identities.get(key) ?? []) {
      const keys = this.#bySubject.get(identity)
      keys?.delete(key)
      if (keys?.size === 0) this.#bySubject.delete(identity)
    }
    this.#identities.delete(key)
    if (object === undefined) return
    const identities: string[] = []
    for (const subject of (object as Binding).subjects ?? []) {
      const identity = identityOf(subject, object.metadata.namespace)
      if (identity === undefined) continue
      identities.push(identity)
      let keys = this.#bySubject.get(identity)
      if (keys === undefined) this.#bySubject.set(identity, (keys = new Map()))
      keys.set(key, subject)
    }
    this.#identities.set(key, identities)
  }

  /** Bindings of the user and of its groups: those of the cluster first, each kind by namespace and name. */
  of(user: UserInfo): ConcerningBinding[] {
    const found = new Map<string, Subject>()
    for (const identity of [`user ${user.name}`, ...user.groups.map((group) => `group ${group}`)]) {
      for (const [key, subject] of this.#bySubject.get(identity) ?? []) if (!found.has(key)) found.set(key, subject)
    }
    return [...found]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .flatMap(([key, subject]) => {
        const binding = this.#database.read(key)
        return binding === undefined ? [] : [{ binding: binding as Binding, subject }]
      })
  }
}

function identityOf({ kind, name, namespace }: Subject, ownNamespace: string | undefined): string | undefined {
  switch (kind) {
    case 'User':
      return `user ${name}`
    case 'Group':
      return `group ${name}`
    case 'ServiceAccount': {
      const where = namespace ?? ownNamespace
      return where === undefined ? undefined : `user ${serviceAccountName(where, name)}`
    }
    default:
      return undefined
  }
}
