import { FleetIndex, fixMatcher } from '@locktender/fleet'
import type { ComponentFix, ControlPlane, FixMatcher, StateCounts } from '@locktender/fleet'
import type { ObjectCache } from '@locktender/kube'
import type { ObjectEvent } from '@locktender/runtime'
import { lateStatus } from '../late-status.ts'

/**
 * Watches over fixes that were delivered, for control planes that come to the fleet, or to an affected release, later.
 * O(log n) for each event and fix; the fleet is gone through when a fix is added.
 */
export class DeliveredFixes {
  readonly #matchers = new Map<string, { readonly uid: string | undefined; readonly matcher: FixMatcher }>()
  #index: FleetIndex | undefined

  /** Begins to watch over `fix`, if that is not so yet; `fixes` are all there are. `now` in milliseconds since the epoch. */
  add(fix: ComponentFix, fixes: Iterable<ComponentFix>, fleet: ObjectCache<ControlPlane>, now: number): void {
    const { name, uid } = fix.metadata
    const known = this.#matchers.get(name)
    const matcher = fixMatcher(fix, fixes)
    if (known?.uid === uid && sameNames(known?.matcher.supersededBy, matcher.supersededBy)) return
    if (this.#index === undefined) {
      this.#index = new FleetIndex(now)
      for (const controlPlane of fleet.values()) this.#index.upsert(controlPlane)
    }
    this.#matchers.set(name, { uid, matcher })
    this.#index.track(fix, undefined, fixes)
  }

  remove(fix: string): void {
    this.#matchers.delete(fix)
    this.#index?.untrack(fix)
  }

  /** Takes in a change of a control plane; gives the names of the fixes for which its state is another one now. */
  observe(event: ObjectEvent): string[] {
    const index = this.#index
    if (index === undefined) return []
    const stateOf = (fix: string) => index.status(fix, event.key)?.state
    const before = new Map([...this.#matchers.keys()].map((fix) => [fix, stateOf(fix)]))
    if (event.type === 'DELETED') index.remove(event.key)
    else index.upsert(event.object() as ControlPlane)
    return [...before].filter(([fix, state]) => stateOf(fix) !== state).map(([fix]) => fix)
  }

  /** Lets time pass: holds end. */
  advance(now: number): void {
    this.#index?.advance(now)
  }

  /** When {@link advance} next has something to do; undefined if never. */
  get nextDue(): number | undefined {
    return this.#index?.nextDue
  }

  /** Control planes that can be treated now and were not. */
  late(fix: string, fleet: ObjectCache<ControlPlane>, now: number): ControlPlane[] {
    const matcher = this.#matchers.get(fix)?.matcher
    const index = this.#index
    if (matcher === undefined || index === undefined) return []
    return [...index.inState(fix, 'Pending'), ...index.inState(fix, 'Regressed')]
      .map((key) => fleet.get(key))
      .filter((controlPlane) => controlPlane !== undefined)
      .filter((controlPlane) => lateStatus(controlPlane, matcher, now)?.state === 'Pending')
  }

  /** Control planes that the fix concerns, by state, whichever rollout treated them. */
  counts(fix: string): StateCounts {
    const { NotAffected: _, ...counts } = this.#index?.counts(fix) ?? {}
    return counts
  }
}

function sameNames(left: ReadonlySet<string> | undefined, right: ReadonlySet<string>): boolean {
  return left?.size === right.size && [...right].every((name) => left.has(name))
}
