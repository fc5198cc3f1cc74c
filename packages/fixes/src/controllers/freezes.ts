import type { ControlPlane, FreezeWindow } from '@locktender/fleet'
import type { ObjectEvent } from '@locktender/runtime'
import { frozenUntil, nextFreezeChange } from '../frozen-until.ts'
import type { Frozen } from '../frozen-until.ts'

/** The freezes that are not over. Looking up a control plane costs as much as there are of these, whatever the fleet. */
export class Freezes {
  readonly #windows = new Map<string, FreezeWindow>()
  #changed = false
  /** When a freeze next begins or ends. */
  #next: number | undefined

  /** Takes in a freeze that was made, changed or deleted. */
  observe(event: ObjectEvent): void {
    if (event.type === 'DELETED') this.#windows.delete(event.key)
    else this.#windows.set(event.key, event.object() as FreezeWindow)
    this.#changed = true
  }

  /** Lets time pass; says whether any control plane may be frozen, or no longer, otherwise than at the last look. */
  advance(now: number): boolean {
    const due = this.#changed || (this.#next !== undefined && this.#next <= now)
    if (!due) return false
    this.#changed = false
    for (const [name, { spec }] of this.#windows) if (Date.parse(spec.to) <= now) this.#windows.delete(name)
    this.#next = nextFreezeChange(this.#windows.values(), now)
    return true
  }

  /** When {@link advance} next has something to say; undefined when no freeze is to come or to end. */
  nextDue(): number | undefined {
    return this.#next
  }

  on(controlPlane: ControlPlane, now: number): Frozen | undefined {
    return this.#windows.size === 0 ? undefined : frozenUntil(controlPlane, this.#windows.values(), now)
  }
}
