import { RBAC_GROUP } from '../auth/policy-rules.ts'
import { deepEqual } from '@locktender/kube'
import type { Clock, KubeObject } from '@locktender/kube'
import { aggregatedRules, gathers } from '../auth/aggregation.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

/** Roles of one logical cluster by name. */
type Roles = Map<string, { readonly ref: ObjectRef; readonly role: AnyObject }>

/** Keeps the rules of roles with an aggregation rule equal to those of the roles they gather from. */
export class RoleAggregation {
  readonly #writer: ObjectWriter
  readonly #queue: WorkQueue
  readonly #clusters = new Map<string, Roles>()

  constructor({ clock, writer }: { readonly clock: Clock; readonly writer: ObjectWriter }) {
    this.#writer = writer
    // One at a time: roles may gather from roles that gather.
    this.#queue = new WorkQueue({ clock, concurrency: 1, process: (key) => this.#gather(key) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(ref: ObjectRef, object: KubeObject | undefined): void {
    if (ref.plural !== 'clusterroles' || ref.group !== RBAC_GROUP) return
    let roles = this.#clusters.get(ref.cluster)
    if (roles === undefined) this.#clusters.set(ref.cluster, (roles = new Map()))
    const before = roles.get(ref.name)?.role
    const role = object as AnyObject | undefined
    if (role === undefined) roles.delete(ref.name)
    else roles.set(ref.name, { ref, role })
    for (const [name, { role: other }] of roles) {
      if (other['aggregationRule'] === undefined) continue
      const concerned = [before, role].some((state) => state !== undefined && gathers(other, state))
      if (concerned || other === role) this.#queue.add(`${ref.cluster}/${name}`)
    }
  }

  async #gather(key: string): Promise<void> {
    const slash = key.indexOf('/')
    const roles = this.#clusters.get(key.slice(0, slash))
    const known = roles?.get(key.slice(slash + 1))
    if (roles === undefined || known === undefined) return
    const all = [...roles.values()].map(({ role }) => role)
    // Seen before it is written, as most changes of labels and annotations change no rule.
    if (deepEqual(known.role['rules'] ?? [], aggregatedRules(known.role, all) ?? known.role['rules'] ?? [])) return
    await this.#writer.update(known.ref, (object) => {
      const rules = aggregatedRules(object as AnyObject, all)
      return rules === undefined ? undefined : ({ ...object, rules } as KubeObject)
    })
  }
}
